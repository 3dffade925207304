"""Whether pod traffic may pass through the node, judged by walking packets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.hooks import Worlds, forward
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.walk import walk

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import OUTSIDE, NodeRules
from .rules_verdicts import Doubts

ACCEPTED, BY_RULE, BY_POLICY = "accepted", "accepted by a rule", "accepted by the policy only"


def forwarding_verdicts(facts: NodeFacts) -> Comparison:
    """Pod to pod through this node: first packets in both directions and their replies, TCP and UDP, in all worlds of rules."""
    rules = NodeRules(facts)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    doubts = Doubts(rules.node)
    for words, packet in pod_packets(rules):
        branches = forward(rules.worlds, packet)
        note(words, branches, found, notes, doubts, ACCEPTED)
    return doubts.settle(Comparison("pod traffic through the FORWARD hook", found, dict.fromkeys(found, ACCEPTED), notes))


def accept_rules(facts: NodeFacts) -> Comparison:
    """Traffic from and to the pod network through filter FORWARD: accepted by a rule, so that no policy can stop it."""
    rules = NodeRules(facts)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    doubts = Doubts(rules.node)
    for words, packet in _network_packets(rules):
        branches = _filter(rules.worlds, packet)
        note(words, branches, found, notes, doubts, BY_RULE if any(branch.by for branch in branches) else BY_POLICY)
    caption = f"filter FORWARD ({_policies(rules.worlds)})"
    return doubts.settle(Comparison(caption, found, dict.fromkeys(found, BY_RULE), notes))


def pod_packets(rules: NodeRules) -> Iterator[tuple[str, Packet]]:
    """First packets between this node's pods and those of every node, and their replies, each in words."""
    for protocol in ("tcp", "udp"):
        for words, packet in _pairs(rules, protocol):
            yield f"{protocol}: {words}", packet
            yield f"{protocol}: reply to {words}", packet.answer()


def _pairs(rules: NodeRules, protocol: str) -> Iterator[tuple[str, Packet]]:
    for node, cidr in rules.remote_cidrs:
        remote = rules.remote_pod(cidr)
        yield f"pod {rules.pod} > pod {remote} of {node}", rules.forwarded(rules.pod, remote, protocol)
        yield f"pod {remote} of {node} > pod {rules.pod}", rules.forwarded(remote, rules.pod, protocol)
    if rules.bridged or len(rules.cidrs) == 1:
        other = str(rules.own_cidr[3])
        yield f"pod {rules.pod} > pod {other} of the same node", rules.forwarded(rules.pod, other, protocol)


def _network_packets(rules: NodeRules) -> Iterator[tuple[str, Packet]]:
    yield from _pairs(rules, "tcp")
    yield f"pod {rules.pod} > outside", rules.forwarded(rules.pod, OUTSIDE)
    yield f"outside > pod {rules.pod}", rules.forwarded(OUTSIDE, rules.pod)


def _filter(worlds: Worlds, packet: Packet) -> tuple[Branch, ...]:
    """Branches through filter FORWARD of the worlds that decide: one that drops, else one whose rule accepts."""
    found = [walk(rules, "filter", "FORWARD", packet, worlds.sets, name) for name, rules in worlds.xtables()]
    blocked = [branches for branches in found if any(not branch.verdict.passes or branch.uncertain for branch in branches)]
    ruled = [branches for branches in found if all(branch.by for branch in branches)]
    return next(iter(blocked + ruled + found), ())


def note(words: str, branches: Iterable[Branch], found: dict[str, str], notes: dict[str, str], doubts: Doubts, passed: str) -> None:
    """Enter how a packet fared and which rule decided; what hangs on a match that nobody can judge is a doubt."""
    decisive = next((b for b in branches if not b.verdict.passes), None) or next(iter(branches), None)
    uncertain = next((b for b in branches if b.uncertain), None)
    if uncertain is not None:
        doubts.add(f"{words}: {uncertain.by or uncertain.trace}")
        return
    blocked = decisive is not None and not decisive.verdict.passes
    found[words] = str(decisive.verdict) if decisive and blocked else passed
    notes[words] = str(decisive.by) if decisive and decisive.by else "no rule matches"


def _policies(worlds: Worlds) -> str:
    chains = {name: rules.chain("filter", "FORWARD") for name, rules in worlds.xtables()}
    return ", ".join(f"{name} policy {chain.policy}" for name, chain in chains.items() if chain) or "there is no such chain"


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "forwarding_verdicts": forwarding_verdicts,
    "accept_rules": accept_rules,
}
