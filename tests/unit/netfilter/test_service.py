"""Where Service packets end, over rules that kube-proxy wrote on a real node."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.hooks import Worlds
from pytest_k8snet.netfilter.journey import journey
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.service import Unknown, endpoints
from pytest_k8snet.netfilter.source import translation
from pytest_k8snet.parse.iptables import parse_save

from .rules import DUMPS, ruleset

TEXT = (DUMPS / "services" / "worker1.iptables-save").read_text()
NODE = "172.30.0.12"
LOCAL = frozenset({NODE, "10.244.1.1", "10.244.1.0"})
POD = Packet("10.244.1.9", "10.96.108.48", "tcp", 40000, 80, "cni0", local=LOCAL)
OUTSIDE = replace(POD, src="172.30.0.1", in_iface="eth0")
ALL = {("10.244.0.40", 7801): 1 / 3, ("10.244.1.40", 7801): 1 / 3, ("10.244.3.40", 7801): 1 / 3}
HERE = {("10.244.1.40", 7801): 1.0}


def route(address: str) -> str:
    return "cni0" if address.startswith("10.244.1.") else "flannel.1" if address.startswith("10.244.") else "eth0"


def worlds(text: str = TEXT) -> Worlds:
    return Worlds(nft=parse_save(text))


QUESTIONS = [
    (POD, ALL),
    (OUTSIDE, ALL),
    (replace(POD, protocol="udp"), ALL),
    (replace(POD, src="10.244.1.40"), ALL),
    (replace(POD, dst="10.96.106.185"), ALL),  # session affinity, a fresh client
    (replace(POD, dst="10.96.86.187"), HERE),  # internalTrafficPolicy: Local
    (replace(POD, dst="10.96.189.169"), {}),  # no endpoints
    (replace(OUTSIDE, dst=NODE, dport=31884), ALL),  # NodePort
    (replace(OUTSIDE, dst=NODE, dport=30987), HERE),  # externalTrafficPolicy: Local, from outside
    (replace(POD, dst=NODE, dport=30987), ALL),  # the same from a pod
    (replace(OUTSIDE, dst=NODE, dport=30366), {}),  # NodePort without endpoints
    (replace(POD, dport=81), {None: 1.0}),  # nobody translates it
    (replace(POD, dst="10.244.3.40"), {None: 1.0}),
]


@pytest.mark.parametrize(("packet", "expected"), QUESTIONS)
def test_endpoints(packet: Packet, expected: dict[tuple[str, int] | None, float]) -> None:
    assert endpoints(worlds(), packet, route=route) == pytest.approx(expected)


def test_endpoints_without_routes() -> None:
    assert endpoints(worlds(), POD) == pytest.approx(ALL)


def test_endpoints_for_the_node_itself() -> None:
    sent = Packet(NODE, "10.96.108.48", "tcp", 40000, 80, out_iface="eth0", local=LOCAL)
    assert endpoints(worlds(), sent, "output", route) == pytest.approx(ALL)
    local = Packet("127.0.0.1", "127.0.0.1", "tcp", 40000, 31884, out_iface="lo", local=LOCAL)
    assert endpoints(worlds(), local, "output", route) == pytest.approx(ALL)


def test_a_dropped_endpoint_is_missing() -> None:
    text = TEXT.replace(":FLANNEL-FWD - [0:0]\n", ":FLANNEL-FWD - [0:0]\n-A FORWARD -d 10.244.3.40/32 -j DROP\n")
    found = endpoints(worlds(text), POD, route=route)
    assert found == pytest.approx({("10.244.0.40", 7801): 1 / 3, ("10.244.1.40", 7801): 1 / 3})


def test_a_rule_of_unknown_meaning_in_the_way_is_told() -> None:
    text = TEXT.replace("-A KUBE-SERVICES -d 10.96.108.48/32 -p tcp", "-A KUBE-SERVICES -d 10.96.108.48/32 -p tcp -m string --string x")
    found = endpoints(worlds(text), POD, route=route)
    assert isinstance(found, Unknown)
    assert len({(branch.packet.dst, branch.uncertain) for branch in found.branches}) == 4
    assert re.fullmatch(r"nft nat KUBE-SERVICES rule \d+ \(may match\): -A KUBE-SERVICES -d 10.96.108.48/32 -p tcp -m string .*", found.why)


def test_unknown_that_ends_at_one_place_is_known() -> None:
    rules = ruleset(nat="PREROUTING -m string --string x -j MARK --set-mark 1\nPREROUTING -j DNAT --to-destination 10.3.0.1")
    assert endpoints(Worlds(rules), POD) == {("10.3.0.1", 80): 1.0}
    assert endpoints(Worlds(ruleset(filter="FORWARD -m string --string x -j DROP\nFORWARD -j DROP")), POD) == {}
    found = endpoints(Worlds(ruleset(nat="PREROUTING -j NFQUEUE")), POD)
    assert isinstance(found, Unknown)
    assert found.why == "nft nat PREROUTING rule 1: -A PREROUTING -j NFQUEUE"


# Names carry no meaning


def user_chains(text: str) -> list[str]:
    return sorted(set(re.findall(r"^:(\S+) - ", text, re.MULTILINE)))


def renamed(text: str, names: dict[str, str]) -> str:
    words = re.compile(r"(?<=^:)\S+|(?<=-A )\S+|(?<=-[jg] )\S+", re.MULTILINE)
    return words.sub(lambda found: names.get(found[0], found[0]), text)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(range(len(QUESTIONS))))
def test_renaming_all_user_chains_changes_no_answer(luck: random.Random, question: int) -> None:
    chains = user_chains(TEXT)
    other = renamed(TEXT, {name: f"X{number}" for name, number in zip(chains, luck.sample(range(10**6), len(chains)), strict=True)})
    assert not set(user_chains(other)) & set(chains)
    packet, _ = QUESTIONS[question]
    assert endpoints(worlds(other), packet, route=route) == endpoints(worlds(), packet, route=route)
    told, meant = translation(worlds(other), packet, route=route), translation(worlds(), packet, route=route)
    assert (told.kind, told.by and told.by.number) == (meant.kind, meant.by and meant.by.number)


# Every rule on the way matters


def answer(text: str, packet: Packet) -> object:
    """All that the rules do to the packet: verdict, translation, mark, chance."""
    branches = journey(worlds(text), packet, route=route)
    return {(b.verdict, b.packet.src, b.packet.dst, b.packet.dport, b.packet.mark): round(b.probability, 6) for b in branches}


def on_the_way(packet: Packet) -> dict[int, str]:
    """Line number and text of each nat rule that some branch matched."""
    branches: tuple[Branch, ...] = journey(worlds(), packet, route=route)
    return {step.rule.line: step.rule.raw for branch in branches for step in branch.steps if step.rule and step.table == "nat"}


WAYS = {packet: on_the_way(packet) for packet, expected in QUESTIONS if expected and None not in expected}
NEUTRAL = ("-j FLANNEL-POSTRTG",)  # flannel only exempts what is met here


@pytest.mark.parametrize(("line", "raw"), sorted({item for way in WAYS.values() for item in way.items()}))
def test_deleting_any_rule_on_the_way_changes_an_answer(line: int, raw: str) -> None:
    lines = TEXT.split("\n")
    assert lines[line - 1].endswith(raw)
    without = "\n".join(lines[: line - 1] + lines[line:])
    changed = [packet for packet, way in WAYS.items() if line in way and answer(without, packet) != answer(TEXT, packet)]
    assert bool(changed) is not raw.endswith(NEUTRAL)
