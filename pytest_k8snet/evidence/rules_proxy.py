"""kube-proxy's rules judged by what they do to packets; what its chains are called does not matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.hooks import Worlds, output, postrouting, prerouting
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.parse.kube_proxy import masquerade_bit

from .comparison import Comparison
from .ipvs import ipvs_entries
from .node_facts import NodeFacts
from .rules import OUTSIDE, NodeRules
from .rules_services import ServicePort, joined, service_ports
from .rules_verdicts import Doubts

ADDRESSES = frozenset({"raw", "mangle", "nat"})  # what filters does not change addresses
NAT = frozenset({"nat"})
Hook = Callable[[Worlds, Packet, frozenset[str]], tuple[Branch, ...]]
UNTRANSLATED, DROPPED, PROGRAMMED = "not translated", "dropped", "sent to endpoints"
MASQUERADED, KEPT = "masqueraded", "kept"
CITED = 5
ELSEWHERE = {"ipvs": "the kernel's table of virtual servers and in ipsets"}


@dataclass(frozen=True)
class Ends:
    """Where packets to one ClusterIP port end; `why` cites the last rule that mattered, `doubt` what could not be judged."""

    ends: frozenset[str]
    why: str
    doubt: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)  # end -> probability for the first packet of a fresh client

    @property
    def translated(self) -> bool:
        """Whether at least some packets reach an endpoint."""
        return bool(self.ends - {UNTRANSLATED, DROPPED})


@dataclass
class Proxy:
    """All Service ports of the API, walked on one node."""

    facts: NodeFacts
    rules: NodeRules = field(init=False)

    def __post_init__(self) -> None:
        self.rules = NodeRules(self.facts)

    @cached_property
    def ports(self) -> tuple[ServicePort, ...]:
        """What should be programmed."""
        return service_ports(self.facts.recording, self.facts.api)

    @cached_property
    def from_pods(self) -> dict[ServicePort, Ends]:
        """New packets from a pod of this node."""
        return {port: ends_of(self._arriving(port, self.rules.pod)) for port in self.ports}

    @cached_property
    def from_node(self) -> dict[ServicePort, Ends]:
        """New packets from a process of the node."""
        return {port: ends_of(self._sent(port)) for port in self.ports}

    @cached_property
    def mark(self) -> int:
        """The bit that marks packets for masquerading."""
        return 1 << masquerade_bit(self.facts.proxy_config)

    def as_client(self, port: ServicePort, source: str) -> tuple[Branch, ...]:
        """A packet of a certain sender, by the hook that translates this port at all."""
        if self.from_pods[port].translated or not self.from_node[port].translated:
            return self._arriving(port, source)
        packet = Packet(source, port.address, port.protocol, 40000, port.port, local=self.rules.local)
        return translated(output, self.rules.worlds, packet)

    def way(self, port: ServicePort, doubts: Doubts) -> Ends | None:
        """By a hook that translates the port, if one does; None where both are in doubt. Doubts about either are noted."""
        ways = [self.from_pods[port], self.from_node[port]]
        for way in (way for way in ways if way.doubt):
            doubts.add(f"{port}: {way.doubt}")
        known = [way for way in ways if not way.doubt]
        used = [way for way in known if way.translated] or known
        if not used:
            return None
        return used[0] if len({way.ends for way in used}) == 1 else _joined(used)

    def at_node_port(self, port: ServicePort) -> tuple[Branch, ...]:
        """A packet from outside to the Service's port of this node."""
        address = self.rules.node_ips.get(self.rules.node, "")
        return translated(prerouting, self.rules.worlds, self.rules.arriving(OUTSIDE, address, port.protocol, port.node_port))

    def _arriving(self, port: ServicePort, source: str) -> tuple[Branch, ...]:
        return translated(prerouting, self.rules.worlds, self.rules.arriving(source, port.address, port.protocol, port.port))

    def _sent(self, port: ServicePort) -> tuple[Branch, ...]:
        return translated(output, self.rules.worlds, self.rules.sent(port.address, port.protocol, port.port))


def service_entries(facts: NodeFacts) -> Comparison:
    """ClusterIP port -> whether packets to it are sent anywhere, by the hooks that translate it."""
    if facts.inventory.proxy == "ipvs":
        return _balanced(facts)
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    for port in proxy.ports:
        way = proxy.way(port, doubts)
        if way is not None:
            found[str(port)], notes[str(port)] = PROGRAMMED if way.translated else UNTRANSLATED, way.why
    return doubts.settle(Comparison("ClusterIP ports in the rules, against Services", found, dict.fromkeys(found, PROGRAMMED), notes))


def _balanced(facts: NodeFacts) -> Comparison:
    """The same by the kernel's virtual servers."""
    entries = ipvs_entries(facts)
    found = {port: PROGRAMMED if isinstance(ends, frozenset) and ends else UNTRANSLATED for port, ends in entries.actual.items()}
    return Comparison(entries.caption, found, dict.fromkeys(found, PROGRAMMED))


def service_hooks(facts: NodeFacts) -> Comparison:
    """How many of the ClusterIP ports that the node's rules know are translated for its pods, and for its own processes."""
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    ways = {"from pods, by nat PREROUTING": proxy.from_pods, "from the node, by nat OUTPUT": proxy.from_node}
    for way in ways.values():
        for port, ends in way.items():
            if ends.doubt:
                doubts.add(f"{port}: {ends.doubt}")
    known = [port for port in proxy.ports if any(way[port].translated for way in ways.values())] or list(proxy.ports)
    missed = {name: [port for port in known if not way[port].translated] for name, way in ways.items()}
    found = {name: _count(len(known) - len(ports), len(known)) for name, ports in missed.items()}
    notes = {name: _missing(ways[name], ports) for name, ports in missed.items()}
    return doubts.settle(Comparison("Service packets", found, dict.fromkeys(ways, _count(len(known), len(known))), notes))


def marked_traffic(facts: NodeFacts) -> Comparison:
    """A packet with the masquerade mark leaves the node masqueraded."""
    proxy, doubts = Proxy(facts), Doubts(facts.node)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    for words, packet in forwarded(proxy, proxy.mark):
        branches = postrouting(proxy.rules.worlds, packet, NAT)
        _note_source(f"{words}, mark {proxy.mark:#x}", branches, found, notes, doubts)
    return doubts.settle(Comparison("marked packets in nat POSTROUTING", found, dict.fromkeys(found, MASQUERADED), notes))


def masquerade_rules(facts: NodeFacts) -> Comparison:
    """The rules that masquerade marked packets take the mark away, from 1.19 on, and leave unmarked packets alone."""
    require_rules(facts)
    marked = marked_traffic(facts)
    proxy, doubts = Proxy(facts), Doubts(facts.node)
    found, notes, expected = dict(marked.actual), dict(marked.notes), dict(marked.expected)
    if _clears_mark(facts):
        for words, packet in forwarded(proxy, proxy.mark):
            found[f"{words}, mark afterwards"] = _marks_left(postrouting(proxy.rules.worlds, packet, NAT), proxy.mark)
            expected[f"{words}, mark afterwards"] = "taken away"
    chains = {chain for _, packet in forwarded(proxy, proxy.mark) for chain in _chains(proxy, packet)}
    for words, packet in forwarded(proxy, 0):
        branches = postrouting(proxy.rules.worlds, packet, NAT)
        _note_source(f"{words}, unmarked", branches, found, notes, doubts, chains)
    expected |= {words: KEPT for words in found if words.endswith("unmarked")}
    return doubts.settle(Comparison("marked and unmarked packets in nat POSTROUTING", found, expected, notes))


def require_ports(facts: NodeFacts) -> Proxy:
    """What is to be walked. Raises Inconclusive, or NotApplicable, where there is nothing that could be judged."""
    require_rules(facts)
    proxy = Proxy(facts)
    if proxy.ports:
        return proxy
    if facts.inventory.families == (Family.IPV6,):
        raise NotApplicable("the cluster is IPv6 only, and only rules for IPv4 are judged")
    raise Inconclusive(f"{facts.node}: no Service has an IPv4 ClusterIP port with a ready endpoint: there is nothing to judge the rules by")


def require_rules(facts: NodeFacts) -> None:
    """Where most of what decides lies outside the rules that were read, what they lack is no finding."""
    mode = facts.inventory.proxy
    if mode in ELSEWHERE:
        raise Inconclusive(f"{facts.node}: kube-proxy runs in mode {mode}: it keeps Services in {ELSEWHERE[mode]}, which are not read")


def translated(hook: Hook, worlds: Worlds, packet: Packet) -> tuple[Branch, ...]:
    """The packet after raw, mangle and nat. What somebody drops in raw or mangle says nothing about kube-proxy: then nat alone is asked."""
    branches = hook(worlds, packet, ADDRESSES)
    return hook(worlds, packet, NAT) if any(not branch.verdict.passes for branch in branches) else branches


def translates(worlds: Worlds, proxy: Proxy) -> bool:
    """Whether iptables rules translate any ClusterIP port for certain."""
    packets = (proxy.rules.sent(port.address, port.protocol, port.port) for port in proxy.ports)
    found = (ends_of(translated(hook, worlds, packet)) for packet in packets for hook in (output, prerouting))
    return any(ends.translated and not ends.doubt for ends in found)


def ends_of(branches: Iterable[Branch]) -> Ends:
    """Where all branches of one packet end."""
    branches = tuple(branches)
    doubtful = next((branch for branch in branches if branch.uncertain), None)
    why = next((str(branch.steps[-1]) for branch in branches if branch.steps), "no rule matches")
    doubt = str(doubtful.by or doubtful.trace) if doubtful else ""
    shares: dict[str, float] = {}
    for branch in branches:
        shares[end(branch)] = shares.get(end(branch), 0.0) + branch.probability
    return Ends(frozenset(shares), why, doubt, shares)


def _joined(ways: list[Ends]) -> Ends:
    """What pods and the node reach together, where that is not the same."""
    return Ends(frozenset[str]().union(*(way.ends for way in ways)), ways[0].why, "", ways[0].shares)


def end(branch: Branch) -> str:
    """Where a branch ends: "address:port" of an endpoint, or one of two words."""
    if not branch.verdict.passes:
        return DROPPED
    return joined(branch.packet.dst, branch.packet.dport) if "DNAT" in branch.packet.translated else UNTRANSLATED


def _count(some: int, total: int) -> str:
    return f"{some} of {total} ClusterIP ports translated"


def _missing(way: dict[ServicePort, Ends], ports: list[ServicePort]) -> str:
    names = ", ".join(map(str, ports[:CITED])) + (", ..." if len(ports) > CITED else "")
    return f"not translated: {names}; last rule: {way[ports[0]].why}" if ports else ""


def forwarded(proxy: Proxy, mark: int) -> Iterator[tuple[str, Packet]]:
    """Packets of this node's pods to other nodes' pods, or to one of the same node where it is the only one."""
    rules = proxy.rules
    pairs = [(f"pod {rules.pod} > pod {rules.remote_pod(cidr)} of {node}", rules.remote_pod(cidr)) for node, cidr in rules.remote_cidrs]
    other = str(rules.own_cidr[3])
    for words, address in pairs or [(f"pod {rules.pod} > pod {other} of the same node", other)]:
        yield words, rules.forwarded(rules.pod, address, mark=mark)


def _clears_mark(facts: NodeFacts) -> bool:
    """kubernetes/kubernetes#92035: in 1.19 and some patch releases before; without it a packet that is encapsulated keeps the mark."""
    minor = re.match(r"v1\.(\d+)", str((facts.api.get("status") or {}).get("nodeInfo", {}).get("kubeletVersion", "")))
    return minor is None or int(minor[1]) >= 19


def _marks_left(branches: Iterable[Branch], mark: int) -> str:
    return "left" if any((branch.packet.mark or 0) & mark for branch in branches) else "taken away"


def _chains(proxy: Proxy, packet: Packet) -> set[str]:
    """Chains whose rule masquerades the packet."""
    return {branch.by.chain for branch in postrouting(proxy.rules.worlds, packet, NAT) if _masquerades(branch) and branch.by}


def _masquerades(branch: Branch) -> bool:
    return branch.verdict in ("masquerade", "snat")


def _note_source(
    words: str, branches: tuple[Branch, ...], found: dict[str, str], notes: dict[str, str], doubts: Doubts, chains: set[str] | None = None
) -> None:
    """`chains`: only masquerading by a rule of one of these counts."""
    if doubt := next((branch for branch in branches if branch.uncertain), None):
        doubts.add(f"{words}: {doubt.by or doubt.trace}")
        return
    changed = [branch for branch in branches if _masquerades(branch)]
    ours = [branch for branch in changed if chains is None or (branch.by and branch.by.chain in chains)]
    found[words] = MASQUERADED if ours and len(ours) == len(branches) else KEPT
    steps = branches[0].steps if branches else ()
    notes[words] = str(ours[0].by) if ours else str(steps[-1]) if steps else "no rule matches"


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "service_entries": service_entries,
    "service_hooks": service_hooks,
    "marked_traffic": marked_traffic,
    "masquerade_rules": masquerade_rules,
}
