"""Whose source address is changed, over flannel's and kube-proxy's real rules and over the faults that break them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_k8snet.netfilter.hooks import Worlds
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.source import translation
from pytest_k8snet.parse.iptables import parse_save

from .rules import DUMPS, ruleset

TEXT = (DUMPS / "lab" / "k8snet-worker1.iptables-save").read_text()
LOCAL = frozenset({"172.30.0.12", "10.244.1.1", "10.244.1.0"})
POD = Packet("10.244.1.9", "10.244.3.9", "tcp", 40000, 7801, "cni0", "flannel.1", local=LOCAL)


def inserted(table: str, rule: str, text: str = TEXT) -> Worlds:
    """The node's rules with one more, first in its chain."""
    chain = rule.split()[1]
    head, _, rest = text.partition(f"*{table}\n")
    place = rest.index("-A ") if f"-A {chain} " not in rest else rest.index(f"-A {chain} ")
    place = rest.rfind("\n", 0, place) + 1
    return Worlds(parse_save(f"{head}*{table}\n{rest[:place]}{rule}\n{rest[place:]}"))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, "none"),
        ({"src": "10.244.3.9", "dst": "10.244.1.9"}, "none"),
        ({"dst": "10.244.1.7", "out_iface": "cni0"}, "none"),
        ({"dst": "198.51.100.7", "out_iface": "eth0"}, "masquerade"),
        ({"dst": "172.30.0.13", "out_iface": "eth0"}, "masquerade"),
        ({"dst": "224.0.0.251", "protocol": "udp"}, "none"),
        ({"src": "172.30.0.1", "in_iface": "eth0"}, "masquerade"),
        ({"src": "172.30.0.1", "dst": "10.244.1.9", "in_iface": "eth0", "out_iface": "cni0"}, "none"),
        ({"src": "172.30.0.1", "dst": "10.96.0.1", "dport": 443, "in_iface": "eth0", "out_iface": ""}, "masquerade"),
    ],
)
def test_flannel(change: dict[str, str], kind: str) -> None:
    assert translation(Worlds(parse_save(TEXT)), replace(POD, **change)).kind == kind  # type: ignore[arg-type]


def test_the_catch_all_in_front_is_named() -> None:
    found = translation(inserted("nat", "-A POSTROUTING -s 10.244.1.0/24 -j MASQUERADE"), POD)
    assert found.kind == "masquerade"
    assert found.by is not None
    assert (found.by.chain, found.by.number) == ("POSTROUTING", 1)
    assert str(found) == (
        "10.244.1.9:40000 > 10.244.3.9:7801 tcp: masquerade by nft nat POSTROUTING rule 1: -A POSTROUTING -s 10.244.1.0/24 -j MASQUERADE"
    )


def test_a_mark_set_early_counts() -> None:
    found = translation(inserted("mangle", "-A PREROUTING -s 10.244.0.0/16 -j MARK --or-mark 0x4000"), POD)
    assert (found.kind, found.by and found.by.chain) == ("masquerade", "KUBE-POSTROUTING")


def test_filters_are_left_out() -> None:
    assert translation(inserted("filter", "-A FORWARD -j DROP"), POD).kind == "none"


def test_the_silence_is_told() -> None:
    found = translation(Worlds(parse_save(TEXT)), POD)
    assert (found.by, str(found)) == (None, "10.244.1.9:40000 > 10.244.3.9:7801 tcp: keeps its source, no rule translates it")
    assert found.trace[-1].chain == "FLANNEL-POSTRTG"


@pytest.mark.parametrize(
    ("rules", "kind", "why"),
    [
        (
            "POSTROUTING -j SNAT --to-source 10.9.0.9",
            "snat",
            "snat by nft nat POSTROUTING rule 1: -A POSTROUTING -j SNAT --to-source 10.9.0.9",
        ),
        (
            "POSTROUTING -m string --string x -j MASQUERADE",
            "unknown",
            "possible are masquerade, none, nft nat POSTROUTING rule 1 (may match): ",
        ),
        ("POSTROUTING -m statistic --mode random --probability 0.5 -j MASQUERADE", "unknown", "possible are masquerade, none, by chance"),
        ("POSTROUTING -j SNAT --to-source 10.9.0.1-10.9.0.9", "unknown", "unknown by nft nat POSTROUTING rule 1: "),
    ],
)
def test_other_translations(rules: str, kind: str, why: str) -> None:
    found = translation(Worlds(ruleset(nat=rules)), POD)
    assert (found.kind, found.address) == (kind, "10.9.0.9" if kind == "snat" else "")
    assert str(found).startswith(f"10.244.1.9:40000 > 10.244.3.9:7801 tcp: {why}")


def test_dropped_before_it_could_be_translated() -> None:
    found = translation(Worlds(ruleset(raw="PREROUTING -j DROP")), POD)
    assert (found.kind, str(found)) == (
        "unknown",
        "10.244.1.9:40000 > 10.244.3.9:7801 tcp: dropped by nft raw PREROUTING rule 1: -A PREROUTING -j DROP",
    )


def test_locally_sent() -> None:
    sent = Packet("172.30.0.12", "10.244.3.9", "tcp", 40000, 7801, out_iface="flannel.1", local=LOCAL)
    assert translation(Worlds(parse_save(TEXT)), sent, "output").kind == "masquerade"
