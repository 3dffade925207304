"""The kernel's list of virtual servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse import ParseError
from pytest_k8snet.parse.ipvs import VirtualServer, set_names, virtual_servers

TEXT = """IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr
  -> AC1E000B:192B      Masq    1      3          0
UDP  0A60000A:0035 rr persistent 10800 FFFFFFFF
  -> 0AF40103:0035      Masq    0      0          7
  -> 0AF40102:0035      Masq    1      0          7
FWM  00000001 rr
TCP  [fd00:0010:0096:0000:0000:0000:0000:000a]:0050 wlc
  -> [fd00:0010:0244:0001:0000:0000:0000:0002]:1F90      Masq    1      0          0
"""


def test_servers() -> None:
    assert virtual_servers(TEXT) == (
        VirtualServer("tcp", "10.96.0.1", 443, "rr", frozenset({"172.30.0.11:6443"})),
        VirtualServer("udp", "10.96.0.10", 53, "rr", frozenset({"10.244.1.2:53"})),
        VirtualServer("tcp", "fd00:10:96::a", 80, "wlc", frozenset({"[fd00:10:244:1::2]:8080"})),
    )


def test_none() -> None:
    assert virtual_servers("\n".join(TEXT.split("\n")[:3])) == ()


@pytest.mark.parametrize("text", ["", "nonsense", TEXT.replace("TCP  0A6", "TCX  0A6"), TEXT.replace("[fd00:0010:0096", "[fd00:zz")])
def test_damaged(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/net/ip_vs: "):
        virtual_servers(text)


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 65535), st.sampled_from(["TCP", "UDP", "SCTP"])), max_size=8, unique=True)
)
def test_any_address(servers: list[tuple[int, int, str]]) -> None:
    lines = [f"{protocol}  {address:08X}:{port:04X} rr " for address, port, protocol in servers]
    found = virtual_servers("\n".join([*TEXT.split("\n")[:3], *lines]))
    assert [(server.port, server.protocol.upper()) for server in found] == [(port, protocol) for _, port, protocol in servers]


def test_names_of_sets() -> None:
    assert set_names("KUBE-CLUSTER-IP\n KUBE-LOOP-BACK\n\n") == {"KUBE-CLUSTER-IP", "KUBE-LOOP-BACK"}
