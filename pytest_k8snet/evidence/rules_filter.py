"""What kube-proxy and kubelet let pass and what they drop, beside Services: judged by walking packets through the table filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.hooks import forward, input, output
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.plan.proxy_rules import ANSWERS_IN_ONE_RULE, LIBERAL_SPARED, LOCALNET_DROP, MARK_DROP_LAST

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_proxy import localhost_node_ports
from .node_versions import kubelet_minor, proxy_minor, require_kubelet_chains
from .rules import CLIENT_PORT, OUTSIDE, SERVER_PORT, NodeRules
from .rules_proxy import Proxy
from .rules_verdicts import Doubts

FILTER = frozenset({"filter"})
BEYOND = "203.0.113.9"  # TEST-NET-3 (RFC 5737): outside too, and nobody's pod
LOOPBACK = "127.0.0.1"
LIBERAL = "tcp-be-liberal"
ACCEPTED, BY_RULE, DROPPED, SPARED = "accepted by the policy only", "accepted by a rule", "dropped", "not dropped"
DROP_BIT = 15
Case = tuple[str, tuple[Branch, ...], str]  # in words, where it ends, expected


def proxied_forwarding(facts: NodeFacts) -> Comparison:
    """What KUBE-FORWARD is for: marked packets and answers may pass whatever the policy, packets out of nowhere may not."""
    proxy, doubts = Proxy(facts), Doubts(facts.node)
    found, expected, notes = _judged(_forwarded(facts, proxy), doubts)
    return doubts.settle(Comparison("packets that KUBE-FORWARD is for (filter FORWARD)", found, expected, notes))


def localnet_drop(facts: NodeFacts) -> Comparison:
    """What KUBE-FIREWALL is for: only the node itself reaches its loopback, unless somebody translated the packet."""
    config = require_kubelet_chains(facts)
    rules, doubts = NodeRules(facts), Doubts(facts.node)
    cases = [*_to_loopback(rules)]
    if kubelet_minor(facts) <= MARK_DROP_LAST:
        bit = config.get("iptablesDropBit")
        cases += _marked_to_drop(rules, 1 << (DROP_BIT if bit is None else int(bit)))
    found, expected, notes = _judged(cases, doubts)
    return doubts.settle(Comparison("packets that KUBE-FIREWALL is for (filter INPUT and OUTPUT)", found, expected, notes))


def localhost(facts: NodeFacts) -> Comparison:
    """route_localnet, which node ports on 127.0.0.1 need, and the drop that keeps others from the node's loopback meanwhile."""
    if not localhost_node_ports(facts.proxy_config):
        raise NotApplicable(
            "node ports on 127.0.0.1 are off (localhostNodePorts, nodePortAddresses): kube-proxy leaves route_localnet alone"
        )
    key = "net.ipv4.conf.all.route_localnet"
    value = facts.text("route-localnet").strip()
    found, expected, notes = {key: value}, {key: "1"}, {key: facts.source("route-localnet")}
    doubts = Doubts(facts.node)
    if kubelet_minor(facts) >= LOCALNET_DROP:
        more, wanted, why = _judged(list(_to_loopback(NodeRules(facts)))[:1], doubts)
        found, expected, notes = found | more, expected | wanted, notes | why
    return doubts.settle(Comparison("node ports on 127.0.0.1", found, expected, notes))


def _forwarded(facts: NodeFacts, proxy: Proxy) -> Iterator[Case]:
    rules, minor = proxy.rules, proxy_minor(facts)
    marked = rules.forwarded(OUTSIDE, BEYOND, mark=proxy.mark)
    yield f"outside > outside, mark {proxy.mark:#x}", forward(rules.worlds, marked, FILTER), BY_RULE
    for state in ("ESTABLISHED", "RELATED"):
        for words, packet in _answers(facts, rules, minor):
            yield f"{words}, {state}", forward(rules.worlds, replace(packet, state=state), FILTER), BY_RULE
    if minor < LIBERAL_SPARED or not _liberal(facts):
        invalid = replace(rules.forwarded(OUTSIDE, rules.pod), state="INVALID")
        yield f"outside > pod {rules.pod}, INVALID", forward(rules.worlds, invalid, FILTER), DROPPED


def _answers(facts: NodeFacts, rules: NodeRules, minor: int) -> Iterator[tuple[str, Packet]]:
    """Up to 1.22 only answers to and of pods are let pass, and those only where kube-proxy knows the pods' network."""
    if minor >= ANSWERS_IN_ONE_RULE:
        yield "outside > outside", rules.forwarded(OUTSIDE, BEYOND)
    elif facts.proxy_config.get("clusterCIDR"):
        yield f"pod {rules.pod} > outside", rules.forwarded(rules.pod, OUTSIDE)
        yield f"outside > pod {rules.pod}", rules.forwarded(OUTSIDE, rules.pod)


def _liberal(facts: NodeFacts) -> bool:
    """nf_conntrack_tcp_be_liberal, with which kube-proxy spares INVALID packets; a kernel without the file has it off."""
    if facts.absent(LIBERAL):
        return False
    value = facts.text(LIBERAL).strip()
    if not value.isdigit():
        raise Inconclusive(f"{facts.node}: {facts.source(LIBERAL)} holds {value!r}, no number")
    return value != "0"


def _to_loopback(rules: NodeRules) -> Iterator[Case]:
    """The first one is what an attacker on the link sends."""
    new = Packet(OUTSIDE, LOOPBACK, "tcp", CLIENT_PORT, SERVER_PORT, in_iface=rules.device(OUTSIDE), local=rules.local)
    arrived = input(rules.worlds, new, FILTER)
    yield f"outside > {LOOPBACK}", arrived, DROPPED
    sent = Packet(
        rules.sent(LOOPBACK, "tcp", SERVER_PORT).src, LOOPBACK, "tcp", CLIENT_PORT, SERVER_PORT, out_iface="lo", local=rules.local
    )
    yield f"node {sent.src} > {LOOPBACK}", output(rules.worlds, sent, FILTER), DROPPED
    drops = {str(branch.by) for branch in arrived if branch.verdict == "drop"}
    for words, packet in (
        ("translated", replace(new, translated=frozenset({"DNAT"}))),
        ("ESTABLISHED", replace(new, state="ESTABLISHED")),
    ):
        yield f"outside > {LOOPBACK}, {words}", _spared(input(rules.worlds, packet, FILTER), drops), SPARED


def _spared(branches: tuple[Branch, ...], drops: set[str]) -> tuple[Branch, ...]:
    """What is dropped by another rule than the one in question counts as spared."""
    return tuple(branch for branch in branches if branch.uncertain or str(branch.by) in drops)


def _marked_to_drop(rules: NodeRules, mark: int) -> Iterator[Case]:
    own = rules.node_ips.get(rules.node, "")
    arriving = replace(rules.arriving(OUTSIDE, own, "tcp", SERVER_PORT), mark=mark)
    yield f"outside > node {own}, mark {mark:#x}", input(rules.worlds, arriving, FILTER), DROPPED
    sent = replace(rules.sent(OUTSIDE, "tcp", SERVER_PORT), mark=mark)
    yield f"node {own} > outside, mark {mark:#x}", output(rules.worlds, sent, FILTER), DROPPED


def _judged(cases: Iterator[Case] | list[Case], doubts: Doubts) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    notes: dict[str, str] = {}
    for words, branches, wanted in cases:
        if doubt := next((branch for branch in branches if branch.uncertain), None):
            doubts.add(f"{words}: {doubt.by or doubt.trace}")
            continue
        found[words], expected[words] = " or ".join(sorted(set(map(_fate, branches)))) or SPARED, wanted
        notes[words] = next((str(branch.by) for branch in branches if branch.by), "no rule decides")
    return found, expected, notes


def _fate(branch: Branch) -> str:
    if not branch.verdict.passes:
        return DROPPED if branch.verdict == "drop" else str(branch.verdict)
    return BY_RULE if branch.by else ACCEPTED


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "proxied_forwarding": proxied_forwarding,
    "localnet_drop": localnet_drop,
    "localhost": localhost,
}
