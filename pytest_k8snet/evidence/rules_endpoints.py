"""Endpoints behind Service ports, as packets find them: which, with what share, and what happens where there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.journey import journey

from .comparison import Comparison
from .ipvs import ipvs_entries
from .node_facts import NodeFacts
from .rules_proxy import DROPPED, UNTRANSLATED, Proxy, end, require_ports, require_rules
from .rules_services import ServicePort, unserved_ports, wanted
from .rules_verdicts import Doubts

ROUNDING = 1e-5  # old versions print five decimals, and the kernel keeps a probability as a whole number of 2**-31
REJECTED, LET_THROUGH = "rejected", "let through"
FILTERED = frozenset({"raw", "mangle", "nat", "filter"})
NOWHERE = frozenset({UNTRANSLATED, DROPPED})


def endpoint_sets(facts: NodeFacts) -> Comparison:
    """ClusterIP port -> the endpoints that packets are sent to, by the hooks that translate it.

    Objects are read before the rules, and the run's own Services answer by then: what changes meanwhile is right either way.
    """
    if facts.inventory.proxy == "ipvs":
        return ipvs_entries(facts)
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    found: dict[str, frozenset[str]] = {}
    expected: dict[str, frozenset[str]] = {}
    notes: dict[str, str] = {}
    for port in proxy.ports:
        way = proxy.way(port, doubts)
        if way is not None:
            found[str(port)], expected[str(port)], notes[str(port)] = way.ends, wanted(port, way.ends), way.why
    return doubts.settle(Comparison("endpoints in the rules, against EndpointSlices", found, expected, notes))


def balancing(facts: NodeFacts) -> Comparison:
    """ClusterIP port -> the share of new clients that each of its endpoints gets."""
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    notes: dict[str, str] = {}
    for port in proxy.ports:
        way = proxy.way(port, doubts)
        if way is None or not way.translated:
            continue
        share = 1 / len(way.shares.keys() - NOWHERE)
        even = all(abs(part - share) <= ROUNDING for part in way.shares.values())
        expected[str(port)] = f"{share:.5f} each"
        found[str(port)] = expected[str(port)] if even else ", ".join(f"{name} {part:.5f}" for name, part in sorted(way.shares.items()))
        notes[str(port)] = way.why
    return doubts.settle(Comparison("shares of the endpoints (probabilities of the rules)", found, expected, notes))


def rejections(facts: NodeFacts) -> Comparison:
    """ClusterIP ports without any endpoint: packets to them are rejected at once, from pods and from the node."""
    require_rules(facts)
    proxy, doubts = Proxy(facts), Doubts(facts.node)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    for port in unserved_ports(facts.recording, facts.api):
        for sender, branches in _to_nowhere(proxy, port):
            words = f"{sender} > {port}"
            if doubt := next((branch for branch in branches if branch.uncertain), None):
                doubts.add(f"{words}: {doubt.by or doubt.trace}")
                continue
            found[words] = " or ".join(sorted({fate(branch) for branch in branches}))
            notes[words] = next((str(branch.by) for branch in branches if branch.by), "no rule decides")
    return doubts.settle(Comparison("ClusterIP ports without endpoints", found, dict.fromkeys(found, REJECTED), notes))


def _to_nowhere(proxy: Proxy, port: ServicePort) -> Iterable[tuple[str, tuple[Branch, ...]]]:
    rules = proxy.rules
    arriving = rules.arriving(rules.pod, port.address, port.protocol, port.port)
    yield f"pod {rules.pod}", journey(rules.worlds, arriving, "prerouting", rules.device, FILTERED)
    sent = rules.sent(port.address, port.protocol, port.port)
    yield "the node", journey(rules.worlds, sent, "output", rules.device, FILTERED)


def fate(branch: Branch) -> str:
    """What becomes of a packet to a port without endpoints."""
    if not branch.verdict.passes:
        return REJECTED if branch.verdict == "reject" else DROPPED
    return LET_THROUGH if end(branch) == UNTRANSLATED else f"sent to {end(branch)}"


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "endpoint_sets": endpoint_sets,
    "balancing": balancing,
    "rejections": rejections,
}
