"""Forwarding there and back, the policy included."""

from __future__ import annotations

import pytest

from pytest_k8snet.netfilter.hooks import Worlds
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.verdict import forwarding, there_and_back
from pytest_k8snet.parse.iptables import parse_save

from .rules import DUMPS, ruleset

POD = Packet("10.244.1.9", "10.244.3.9", "tcp", 40000, 7801, "cni0", "flannel.1", local=frozenset())
WHO = "10.244.1.9:40000 > 10.244.3.9:7801 tcp"


def test_a_real_node() -> None:
    rules = parse_save((DUMPS / "lab" / "k8snet-worker1.iptables-save").read_text())
    there, back = there_and_back(Worlds(rules), POD)
    assert (there.kind, there.by and there.by.chain) == ("accept", "FLANNEL-FWD")
    assert (back.kind, back.by and back.by.chain) == ("accept", "KUBE-FORWARD")


@pytest.mark.parametrize(
    ("rules", "policy", "kind", "why"),
    [
        ("", "ACCEPT", "accept", "accept by the policy of FORWARD, no rule decides"),
        ("", "DROP", "drop", "drop by nft filter FORWARD policy DROP"),
        (
            "FORWARD -s 10.244.0.0/16 -j ACCEPT",
            "DROP",
            "accept",
            "accept by nft filter FORWARD rule 1: -A FORWARD -s 10.244.0.0/16 -j ACCEPT",
        ),
        ("FORWARD -j LOG\nFORWARD -j REJECT", "ACCEPT", "reject", "reject by nft filter FORWARD rule 2: -A FORWARD -j REJECT"),
        (
            "FORWARD -m string --string x -j DROP",
            "ACCEPT",
            "unknown",
            "may be accept or drop\nnft filter FORWARD rule 1 (may match): -A FORWARD -m",
        ),
        ("FORWARD -j NFQUEUE", "ACCEPT", "unknown", "unknown nft filter FORWARD rule 1: -A FORWARD -j NFQUEUE"),
        (
            "FORWARD -m statistic --mode random --probability 0.5 -j DROP",
            "ACCEPT",
            "random",
            "by chance accept or drop: nft filter FORWARD rule 1",
        ),
    ],
)
def test_kinds(rules: str, policy: str, kind: str, why: str) -> None:
    found = forwarding(Worlds(ruleset(policy, filter=rules)), POD)
    assert found.kind == kind
    assert str(found).startswith(f"{WHO}: {why}")


def test_the_reply_is_judged_by_itself() -> None:
    rules = ruleset("DROP", filter="FORWARD -i cni0 -j ACCEPT")
    assert [passage.kind for passage in there_and_back(Worlds(rules), POD)] == ["accept", "drop"]


def test_a_second_world_drops() -> None:
    found = forwarding(Worlds(ruleset(filter="FORWARD -j ACCEPT"), ruleset("DROP", filter="")), POD)
    assert str(found) == f"{WHO}: drop by legacy filter FORWARD policy DROP"
