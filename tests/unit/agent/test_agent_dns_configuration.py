"""resolv.conf as the C libraries read it, and the order in which names are tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.dns.configuration import Configuration, candidates, parse

POD = """search team.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
"""


def test_pod_file():
    found = parse(POD)
    assert (found.nameservers, found.options["ndots"]) == (["10.96.0.10"], 5)
    assert found.search == ["team.svc.cluster.local", "svc.cluster.local", "cluster.local"]


def test_what_the_c_libraries_pass_over():
    servers = "nameserver none\nnameserver\nnameserver 1.1.1.1 x\n"
    text = f"# a\n; b\n{servers}domain a.b\nsearch c.d\noptions ndots:99 timeout:x use-vc edns0\nodd line\n"
    found = parse(text)
    assert found == Configuration(["1.1.1.1"], ["c.d"], {"ndots": 15, "timeout": 5, "attempts": 2}, {"use-vc", "edns0"})


def test_only_three_servers_and_loopback_without_any():
    assert parse("".join(f"nameserver 10.0.0.{n}\n" for n in range(5))).nameservers == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]
    assert parse("").nameservers == ["127.0.0.1"]


@given(st.text())
def test_any_text_is_a_file(text: str):
    found = parse(text)
    assert 1 <= len(found.nameservers) <= 3
    assert found.options["ndots"] <= 15


@pytest.mark.parametrize(
    ("name", "ndots", "tried"),
    [
        ("web", 5, ["web.a.b.", "web.c.", "web."]),
        ("web.team", 1, ["web.team.", "web.team.a.b.", "web.team.c."]),
        ("web.team", 2, ["web.team.a.b.", "web.team.c.", "web.team."]),
        ("web.team.", 5, ["web.team."]),
        ("web", 0, ["web.", "web.a.b.", "web.c."]),
    ],
)
def test_order_of_names(name: str, ndots: int, tried: list[str]):
    assert candidates(name, parse(f"search a.b c.\noptions ndots:{ndots}\n")) == tried


def test_a_search_domain_of_the_root_is_the_name_itself():
    assert candidates("web", parse("search . a.b\noptions ndots:2")) == ["web.", "web.a.b."]
