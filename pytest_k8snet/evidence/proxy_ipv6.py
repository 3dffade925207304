"""kube-proxy's rules for IPv6, judged by what they do to packets: the counterparts of its rules for IPv4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.hooks import output, prerouting
from pytest_k8snet.netfilter.journey import journey
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.source import translation
from pytest_k8snet.parse.kube_proxy import masquerade_bit

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_proxy import serves_node_ports
from .rules_endpoints import FILTERED, REJECTED, fate
from .rules_ipv6 import OUTSIDE, NodeRules6
from .rules_proxy import DROPPED, KEPT, MASQUERADED, UNTRANSLATED, ends_of, require_rules, translated
from .rules_services import ServicePort, joined, service_ports, unserved_ports, wanted
from .rules_verdicts import Doubts

LOOPBACK = "::1"
FROM_PODS, FROM_NODE = "from pods", "from the node"
_SOURCE = {"none": KEPT, "masquerade": MASQUERADED, "snat": MASQUERADED}
Values = dict[str, frozenset[str]]


class Proxy6:
    """All IPv6 Service ports of the API on one node. Raises NotApplicable or Inconclusive where they cannot be judged."""

    def __init__(self, facts: NodeFacts) -> None:
        if Family.IPV6 not in facts.inventory.families:
            raise NotApplicable("the cluster has no IPv6")
        require_rules(facts)
        self.facts, self.rules = facts, NodeRules6(facts)

    @cached_property
    def ports(self) -> tuple[ServicePort, ...]:
        """What should be programmed."""
        found = service_ports(self.facts.recording, self.facts.api, Family.IPV6)
        if not found:
            raise Inconclusive(f"{self.facts.node}: no Service has an IPv6 ClusterIP port with a ready endpoint")
        return found

    @cached_property
    def mark(self) -> int:
        """The bit that marks packets for masquerading."""
        return 1 << masquerade_bit(self.facts.proxy_config)

    def to_cluster_ip(self, port: ServicePort) -> Iterator[tuple[str, tuple[Branch, ...]]]:
        """A packet of a pod of this node and one of the node."""
        yield FROM_PODS, self._arriving(self.rules.pod, port.address, port, port.port)
        sent = self.rules.sent(port.address, port.protocol, port.port)
        yield FROM_NODE, translated(output, self.rules.worlds, sent)

    def to_node_port(self, port: ServicePort) -> tuple[Branch, ...]:
        """A packet from outside to the port of this node."""
        return self._arriving(OUTSIDE, self.rules.node_ip, port, port.node_port)

    def to_loopback(self, port: ServicePort) -> tuple[Branch, ...]:
        """A packet of the node to its own loopback address."""
        packet = Packet(LOOPBACK, LOOPBACK, port.protocol, 40000, port.node_port, out_iface="lo", local=self.rules.local)
        return translated(output, self.rules.worlds, packet)

    def _arriving(self, source: str, address: str, port: ServicePort, number: int) -> tuple[Branch, ...]:
        return translated(prerouting, self.rules.worlds, self.rules.arriving(source, address, port.protocol, number))


class _Judged:
    """What was found, what should be, and what is in doubt."""

    def __init__(self, facts: NodeFacts) -> None:
        self.found: Values = {}
        self.expected: Values = {}
        self.notes: dict[str, str] = {}
        self.doubts = Doubts(facts.node)

    def certain(self, words: str, branches: tuple[Branch, ...]) -> bool:
        """Whether the rules tell what becomes of the packet; a doubt is noted."""
        doubt = next((branch for branch in branches if branch.uncertain), None)
        if doubt is not None:
            self.doubts.add(f"{words}: {doubt.by or doubt.trace}")
        return doubt is None

    def add(self, words: str, found: frozenset[str], expected: frozenset[str], note: str = "") -> None:
        """One packet."""
        self.found[words], self.expected[words], self.notes[words] = found, expected, note

    def settle(self, caption: str) -> Comparison:
        """All of them."""
        return self.doubts.settle(Comparison(caption, self.found, self.expected, self.notes))


def cluster_ips(facts: NodeFacts) -> Comparison:
    """IPv6 ClusterIP port -> the endpoints that packets of pods and of the node are sent to; without endpoints they are rejected."""
    proxy, judged = Proxy6(facts), _Judged(facts)
    for port in proxy.ports:
        for sender, branches in proxy.to_cluster_ip(port):
            if judged.certain(f"{sender} > {port}", branches):
                way = ends_of(branches)
                judged.add(f"{sender} > {port}", way.ends, wanted(port, way.ends), way.why)
    for port in unserved_ports(facts.recording, facts.api, Family.IPV6):
        for words, branches in _to_nowhere(proxy, port):
            if judged.certain(words, branches):
                judged.add(words, frozenset(map(fate, branches)), frozenset({REJECTED}), "no endpoints")
    return judged.settle("IPv6 ClusterIP ports in the rules, against EndpointSlices")


def node_ports(facts: NodeFacts) -> Comparison:
    """Node ports lead to the endpoints, with the masquerade mark, but at ::1 nowhere; packets with the mark are masqueraded."""
    proxy, judged = Proxy6(facts), _Judged(facts)
    ports = [port for port in proxy.ports if port.node_port and not port.external_local]
    if not ports:
        raise Inconclusive(f"{facts.node}: no Service with an IPv6 ClusterIP has a node port: there is nothing to judge the rules by")
    served = serves_node_ports(facts.proxy_config, proxy.rules.node_ip, frozenset({proxy.rules.node_ip}))
    for port in ports:
        _at_node(proxy, port, served, judged)
        words = f"{joined(LOOPBACK, port.node_port)}/{port.protocol} of {port.name}"
        branches = proxy.to_loopback(port)
        if judged.certain(words, branches):
            way = ends_of(branches)
            judged.add(words, way.ends, frozenset({UNTRANSLATED}), way.why)
    _masquerading(proxy, judged)
    return judged.settle("IPv6 node ports and masquerading in the rules")


def _at_node(proxy: Proxy6, port: ServicePort, served: bool, judged: _Judged) -> None:
    words = f"{joined(proxy.rules.node_ip, port.node_port)}/{port.protocol} of {port.name}"
    branches = proxy.to_node_port(port)
    if not judged.certain(words, branches):
        return
    way = ends_of(branches)
    judged.add(words, way.ends, wanted(_of_all_nodes(port), way.ends) if served else frozenset({UNTRANSLATED}), way.why)
    if served and way.translated:
        marks = frozenset(_marked(branch, proxy.mark) for branch in branches)
        judged.add(f"{words}, from outside", marks, frozenset({"marked"}), f"mark {proxy.mark:#x}")


def _of_all_nodes(port: ServicePort) -> ServicePort:
    """Its endpoints for packets to node ports, which internalTrafficPolicy does not confine to this node."""
    return replace(port, always=frozenset(), ever=port.anywhere) if port.internal_local else port


def _marked(branch: Branch, mark: int) -> str:
    return "marked" if (branch.packet.mark or 0) & mark else "not marked"


def _masquerading(proxy: Proxy6, judged: _Judged) -> None:
    rules = proxy.rules
    remote = [rules.remote_pod(cidr) for _, cidr in rules.remote_cidrs][:1] or [str(rules.own_cidr[3])]
    for mark, expected in ((proxy.mark, MASQUERADED), (0, KEPT)):
        words = f"pod {rules.pod} > pod {remote[0]}, mark {mark:#x}"
        result = translation(rules.worlds, rules.forwarded(rules.pod, remote[0], mark=mark), route=rules.device)
        if result.kind == "unknown":
            judged.doubts.add(f"{words}: {result.why}")
            continue
        note = str(result.by) if result.by else "no nat rule matches"
        judged.add(words, frozenset({_SOURCE.get(result.kind, DROPPED)}), frozenset({expected}), note)


def _to_nowhere(proxy: Proxy6, port: ServicePort) -> Iterator[tuple[str, tuple[Branch, ...]]]:
    rules = proxy.rules
    arriving = rules.arriving(rules.pod, port.address, port.protocol, port.port)
    yield f"{FROM_PODS} > {port}", journey(rules.worlds, arriving, "prerouting", rules.device, FILTERED)
    sent = rules.sent(port.address, port.protocol, port.port)
    yield f"{FROM_NODE} > {port}", journey(rules.worlds, sent, "output", rules.device, FILTERED)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"cluster_ips_ipv6": cluster_ips, "node_ports_ipv6": node_ports}
