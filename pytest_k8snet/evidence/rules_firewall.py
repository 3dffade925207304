"""Whether a node's firewall lets in what the cluster sends to the node itself, and whether nftables chains of others stop pod traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.netfilter.hooks import Worlds, forward, input, prerouting
from pytest_k8snet.netfilter.journey import journey
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.parse.nft import NftRuleset
from pytest_k8snet.plan.node_ports import node_port_range

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import OUTSIDE, NodeRules
from .rules_forward import ACCEPTED, note, pod_packets
from .rules_verdicts import Doubts

FILTERING = frozenset({"raw", "mangle", "filter", "security"})  # the tables that may stop a packet; nat only turns it
KUBELET_PORT = 10250
VXLAN_PORT, UDP_PORT, WIREGUARD_PORT = 8472, 8285, 51820  # flannel Documentation/backends.md
KNOWN_TABLES = ("kube-proxy", "flannel-ipv4", "flannel-ipv6")  # kube-proxy and flannel judge pod traffic on purpose
HOOKS = ("forward", "input")
Sample = tuple[str, Packet]


def host_firewall(facts: NodeFacts) -> Comparison:
    """New connections to the node's own ports, by everything that filters before a process or a Service gets them."""
    rules = NodeRules(facts)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    doubts = Doubts(rules.node)
    for words, packet in _to_this_node(facts, rules):
        note(words, journey(rules.worlds, packet, only=FILTERING), found, notes, doubts, ACCEPTED)
    for words, packet in _to_node_ports(facts, rules):
        note(words, prerouting(rules.worlds, packet, FILTERING), found, notes, doubts, ACCEPTED)
    caption = "traffic for the node itself (rules at PREROUTING and INPUT)"
    return doubts.settle(Comparison(caption, found, dict.fromkeys(found, ACCEPTED), notes))


def foreign_chains(facts: NodeFacts) -> Comparison:
    """Pod traffic through the nftables base chains of others, which drop for good whatever iptables accepts."""
    rules = NodeRules(facts)
    native = _of_others(rules.worlds)
    worlds = Worlds(native=native)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    doubts = Doubts(rules.node)
    for words, packet in pod_packets(rules):
        note(words, forward(worlds, packet), found, notes, doubts, ACCEPTED)
    for words, packet in _from_pods(rules, [_kubelet(facts)]):
        note(words, input(worlds, packet), found, notes, doubts, ACCEPTED)
    listed = ", ".join(f"{c.family} {c.table} {c.name} (hook {c.hook}, policy {c.policy})" for c in native.base_chains if c.hook in HOOKS)
    caption = f"pod traffic through nftables chains of others: {listed or 'there are none'} (nft -j list ruleset)"
    return doubts.settle(Comparison(caption, found, dict.fromkeys(found, ACCEPTED), notes))


def _to_this_node(facts: NodeFacts, rules: NodeRules) -> Iterator[Sample]:
    own = rules.node_ips.get(rules.node, "")
    ports = [_kubelet(facts), *_api_server(facts, own)]
    yield from _from_pods(rules, ports)
    for name, address in rules.node_ips.items():
        if name != rules.node and own:
            for what, port in ports:
                yield f"tcp {port} ({what}) from node {name} {address}", rules.arriving(address, own, "tcp", port)
    yield from _tunnel(facts, rules)


def _from_pods(rules: NodeRules, ports: list[tuple[str, int]]) -> Iterator[Sample]:
    own = rules.node_ips.get(rules.node, "")
    for what, port in ports if own else ():
        yield f"tcp {port} ({what}) from pod {rules.pod} of this node", rules.arriving(rules.pod, own, "tcp", port)


def _kubelet(facts: NodeFacts) -> tuple[str, int]:
    """kubelet's port as the Node object tells it."""
    endpoints = (facts.api.get("status") or {}).get("daemonEndpoints") or {}
    return "kubelet", int((endpoints.get("kubeletEndpoint") or {}).get("Port") or KUBELET_PORT)


def _api_server(facts: NodeFacts, own: str) -> Iterator[tuple[str, int]]:
    """The API server's port where one of its endpoints is this node."""
    if not facts.inventory.api_endpoints:
        raise Inconclusive(f"{facts.node}: the API server's endpoints are not known (EndpointSlice default/kubernetes)")
    for endpoint in facts.inventory.api_endpoints:
        address, _, port = endpoint.rpartition(":")
        if address.strip("[]") == own:
            yield "API server", int(port)


def _tunnel(facts: NodeFacts, rules: NodeRules) -> Iterator[Sample]:
    """What carries the other nodes' pod traffic to this node, whose outer packets the firewall sees first."""
    if facts.inventory.cni != "flannel":
        return
    conf, own = facts.net_conf, facts.host.public_ip
    port = {"vxlan": conf.port or VXLAN_PORT, "udp": conf.port or UDP_PORT, "wireguard": conf.port or WIREGUARD_PORT}.get(conf.backend)
    for peer in facts.peers if port and own in rules.local else ():
        packet = replace(rules.arriving(peer.public_ip, own, "udp", port or 0), sport=None)
        yield f"udp {port} ({conf.backend} tunnel) from node {peer.name} {peer.public_ip}", packet


def _to_node_ports(facts: NodeFacts, rules: NodeRules) -> Iterator[Sample]:
    """The ends of the NodePort range, before the destination is turned: what filters later never sees these ports."""
    own = rules.node_ips.get(rules.node, "")
    senders = {f"node {name} {address}": address for name, address in rules.node_ips.items() if name != rules.node}
    for who, address in {**senders, f"outside {OUTSIDE}": OUTSIDE}.items() if own else ():
        for port in node_port_range(facts.recording):
            for protocol in ("tcp", "udp"):
                yield f"{protocol} {port} (NodePort) from {who}", rules.arriving(address, own, protocol, port)


def _of_others(worlds: Worlds) -> NftRuleset:
    native = worlds.native or NftRuleset((), ())
    return replace(native, chains=tuple(chain for chain in native.chains if _is_foreign(chain.family, chain.table, worlds)))


def _is_foreign(family: str, table: str, worlds: Worlds) -> bool:
    """Whether a table belongs neither to iptables-nft, which is judged as iptables, nor to kube-proxy or flannel."""
    shown = family in ("ip", "ip6") and worlds.nft is not None and table in worlds.nft.tables
    return not shown and table not in KNOWN_TABLES and family in ("ip", "inet", "bridge", "netdev")


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "host_firewall": host_firewall,
    "foreign_chains": foreign_chains,
}
