"""The kernel's UDP sockets and WireGuard's handshakes: every line is understood, or it is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse.errors import ParseError
from pytest_k8snet.parse.sockets import udp_ports
from pytest_k8snet.parse.wireguard import handshakes

HEAD = "  sl  local_address rem_address   st\n"


@given(st.sets(st.integers(0, 65535)))
def test_every_port(ports):
    lines = [f"{index:5}: 00000000:{port:04X} 00000000:0000 07 00000000:00000000\n" for index, port in enumerate(sorted(ports))]
    assert udp_ports(HEAD + "".join(lines)) == ports


@given(st.text().filter(lambda text: "local_address" not in text.split("\n")[0]))
def test_any_other_text_is_an_error(text):
    with pytest.raises(ParseError, match="/proc/net/udp"):
        udp_ports(text)


@pytest.mark.parametrize("text", ["", "x\n", f"{HEAD} 1:\n", f"{HEAD} 1: 00:zz 0\n"])
def test_no_table_of_sockets(text):
    with pytest.raises(ParseError):
        udp_ports(text)


@given(st.dictionaries(st.tuples(st.from_regex(r"\A[a-z0-9.-]{1,15}\Z"), st.from_regex(r"\A[A-Za-z0-9+/]{43}=\Z")), st.integers(0, 2**40)))
def test_every_handshake(peers):
    assert handshakes("".join(f"{dev}\t{key}\t{at}\n" for (dev, key), at in peers.items())) == peers


@pytest.mark.parametrize("text", ["flannel-wg\tkey=\n", "flannel-wg\tkey=\tsoon\n", "Unable to access interface: no\n"])
def test_no_handshake(text):
    with pytest.raises(ParseError):
        handshakes(text)
