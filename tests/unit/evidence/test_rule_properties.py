"""Rules are judged by what they do: names mean nothing, and no rule on a Service packet's path can be missed."""

import re

import pytest
from evidence_world import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_k8snet.evidence.rules_proxy import ADDRESSES, Proxy
from pytest_k8snet.netfilter import hooks

NAMED = {"jumps", "canaries", "external_kinds", "foreign_marks"}  # what is about names
BUILT_IN = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}
NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=3, max_size=20).map(lambda text: f"X{text}")


def _chains(text):
    return sorted(set(re.findall(r"^:(\S+) ", text, re.M)) - BUILT_IN)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_renaming_every_chain_changes_nothing(data):
    world = World()
    before = world.statuses()
    chains = _chains(world.text("iptables"))
    names = data.draw(st.lists(NAMES, min_size=len(chains), max_size=len(chains), unique=True))
    new = dict(zip(chains, names, strict=True))
    text = re.sub(r"(?<=^:)\S+|(?<=-A )\S+|(?<=-j )\S+", lambda found: new.get(found[0], found[0]), world.text("iptables"), flags=re.M)
    world.write("iptables", text)
    assert not set(chains) & set(_chains(text))
    assert {name for name, status in world.statuses().items() if status != before[name]} <= NAMED


def _fates(world):
    """Every branch of every Service packet: from pods, from the node, from an endpoint to itself; and of marked packets."""
    proxy = Proxy(world.node()._facts)
    rules, branches = proxy.rules, []
    for port in proxy.ports:
        for source in (rules.pod, *sorted(end.rpartition(":")[0] for end in port.ever)):
            branches += hooks.prerouting(rules.worlds, rules.arriving(source, port.address, port.protocol, port.port), ADDRESSES)
        branches += hooks.output(rules.worlds, rules.sent(port.address, port.protocol, port.port), ADDRESSES)
    branches += hooks.postrouting(rules.worlds, rules.forwarded(rules.pod, "10.244.0.9", mark=proxy.mark))
    return branches


def _seen(branches):
    return [(branch.verdict, branch.packet, round(branch.probability, 6)) for branch in branches]


PATH = sorted({step.rule.raw for branch in _fates(World()) for step in branch.steps if step.rule})
# The API server's node is outside clusterCIDR: its packets are marked before they come to this rule.
REDUNDANT = "-A KUBE-SEP-PCDGDOPBFEZZG6Z5 -s 172.30.0.11/32"


@pytest.mark.parametrize("rule", PATH)
def test_deleting_any_rule_on_the_path_of_a_service_packet_is_noticed(world, rule):
    before, fates = world.statuses(), _seen(_fates(world))
    lines = world.text("iptables").splitlines()
    kept = [line for line in lines if line.partition("] ")[2] != rule]
    assert len(kept) == len(lines) - 1
    world.write("iptables", "\n".join(kept))
    assert (_seen(_fates(world)) == fates) is rule.startswith(REDUNDANT)
    assert (world.statuses() == before) is rule.startswith(REDUNDANT)


def test_the_path_is_not_trivial():
    assert len(PATH) > 20
