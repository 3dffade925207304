"""Masquerading judged by walking packets: whose source address is changed, by which rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_k8snet.model.verdict import NotApplicable
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.source import Translation, translation

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import MULTICAST, OUTSIDE, NodeRules, spread
from .rules_verdicts import Doubts

KEPT, TRANSLATED, DROPPED = "kept", "masqueraded", "dropped"
_WORDS = {"none": KEPT, "masquerade": TRANSLATED, "snat": TRANSLATED}
Case = tuple[str, Packet, str]  # in words, packet, expected


def egress(facts: NodeFacts) -> Comparison:
    """Every podCIDR of the API to an address outside; multicast from a pod of this node."""
    rules = NodeRules(facts)
    return _judged(rules, "source of pod traffic that leaves the pod network (nat POSTROUTING)", _egress(rules))


def between_pods(facts: NodeFacts) -> Comparison:
    """Pods of this node to pods of this and of every other node, and back."""
    rules = NodeRules(facts)
    if len(facts.api_nodes) == 1 and not rules.bridged:
        raise NotApplicable(f"{rules.node} is the only node, and traffic between its pods is bridged past the rules")
    return _judged(rules, "source of traffic between pods (nat POSTROUTING)", _between(rules))


def pod_network_rules(facts: NodeFacts) -> Comparison:
    """What flannel's masquerade rules are for, whatever they look like in its version."""
    rules = NodeRules(facts)
    cases = [*_egress(rules), *_between(rules), *_inbound(rules), *_nodes(rules)]
    return _judged(rules, "source of traffic from and to the pod network (nat POSTROUTING)", cases)


def _egress(rules: NodeRules) -> Iterable[Case]:
    for node, cidr in rules.cidrs.items():
        for address in spread(cidr):
            yield f"pod {address} of {node} > outside", rules.forwarded(address, OUTSIDE), TRANSLATED
    yield f"pod {rules.pod} > multicast {MULTICAST}", rules.forwarded(rules.pod, MULTICAST, "udp", 5353), KEPT


def _between(rules: NodeRules) -> Iterable[Case]:
    for node, cidr in rules.remote_cidrs:
        remote = rules.remote_pod(cidr)
        yield f"pod {rules.pod} > pod {remote} of {node}", rules.forwarded(rules.pod, remote), KEPT
        yield f"pod {remote} of {node} > pod {rules.pod}", rules.forwarded(remote, rules.pod), KEPT
    if rules.bridged:
        other = str(rules.own_cidr[3])
        yield f"pod {rules.pod} > pod {other} of the same node", rules.forwarded(rules.pod, other), KEPT


def _inbound(rules: NodeRules) -> Iterable[Case]:
    yield f"outside > pod {rules.pod}", rules.forwarded(OUTSIDE, rules.pod), KEPT
    for node, cidr in rules.remote_cidrs:
        remote = rules.remote_pod(cidr)
        yield f"outside > pod {remote} of {node}", rules.forwarded(OUTSIDE, remote), TRANSLATED


def _nodes(rules: NodeRules) -> Iterable[Case]:
    others = ((node, address) for node, address in rules.node_ips.items() if node != rules.node)
    for node, address in others:
        yield f"pod {rules.pod} > node {node} {address}", rules.forwarded(rules.pod, address), TRANSLATED


def _judged(rules: NodeRules, caption: str, cases: Iterable[Case]) -> Comparison:
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    notes: dict[str, str] = {}
    doubts = Doubts(rules.node)
    for words, packet, wanted in cases:
        result = translation(rules.worlds, packet, route=rules.device)
        if result.kind == "unknown":
            doubts.add(result.why)
            continue
        found[words], expected[words] = _WORDS.get(result.kind, DROPPED), wanted
        notes[words] = str(result.by) if result.by else _silence(result)
    return doubts.settle(Comparison(caption, found, expected, notes))


def _silence(result: Translation) -> str:
    last = next((step for step in reversed(result.trace) if step.table == "nat"), None)
    return f"last matching nat rule: {last}" if last else "no nat rule matches"


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "egress": egress,
    "between_pods": between_pods,
    "pod_network_rules": pod_network_rules,
}
