"""flannel's IPv6 state on a node against what the API objects demand of it: device, routes, neighbours, forwarding database, rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv6Interface, IPv6Network
from typing import Any

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.hooks import forward
from pytest_k8snet.netfilter.source import translation
from pytest_k8snet.parse.ip import Route
from pytest_k8snet.plan import flannel_ipv6 as flannel

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_flannel import PERMANENT, TABLES
from .rules_ipv6 import MULTICAST, OUTSIDE, NodeRules6
from .rules_verdicts import Doubts

ACCEPTED, KEPT, MASQUERADED = "accepted by a rule", "source kept", "source masqueraded"
_SOURCE = {"none": KEPT, "masquerade": MASQUERADED, "snat": MASQUERADED}
Entries = dict[str, Any]


class Flannel6:
    """This node and its peers, as the annotations describe them by their IPv6 addresses."""

    def __init__(self, node: NodeFacts) -> None:
        self.node, self.conf = node, node.net_conf
        if self.conf.backend not in flannel.BACKENDS:
            raise NotApplicable(f"flannel's IPv6 state is judged for {' and '.join(flannel.BACKENDS)}, not for {self.conf.backend}")
        self.device = flannel.device(self.conf)
        self.own = flannel.host(node.api, self.conf.backend)
        self.peers = [flannel.host(item, self.conf.backend) for item in node.api_nodes if item["metadata"]["name"] != node.node]
        self.nic = self._uplink()
        self.near = flannel.near(self.conf, self.peers, self._links())
        self.tunnelled = [peer for peer in self.peers if peer.name not in self.near]

    def _uplink(self) -> str:
        found = next((a.dev for a in self.node.addresses if a.address == self.own.public_ip), None)
        if found is None:
            raise Inconclusive(f"{self.node.node}: no device holds {self.own.public_ip} (annotation public-ipv6)")
        return found

    def _links(self) -> list[IPv6Interface]:
        ours = [a for a in self.node.addresses if a.dev == self.nic and ":" in a.address]
        return [IPv6Interface(f"{a.address}/{a.prefix}") for a in ours]


def state(node: NodeFacts) -> Comparison:
    """One entry for the device, and one each for route, neighbour and forwarding entry of every peer."""
    mine = Flannel6(node)
    notes = {_route_key(str(peer.pod_cidr)): f"podCIDR of {peer.name}" for peer in mine.peers}
    notes |= {_neighbour_key(peer.gateway): f"tunnel address of {peer.name}" for peer in mine.peers}
    notes |= {_fdb_key(peer.vtep_mac): f"VtepMAC of {peer.name}, annotation backend-v6-data" for peer in mine.peers}
    caption = f"flannel's IPv6 state ({', '.join(node.source(name) for name in ('addresses', 'routes', 'neighbours', 'fdb'))})"
    return Comparison(caption, _found(mine), _expected(mine), notes)


def _expected(mine: Flannel6) -> Entries:
    wanted: Entries = {f"address of {mine.device}": f"{mine.own.gateway}/128"} if mine.device else {}
    for peer in mine.peers:
        way = (peer.public_ip, mine.nic) if peer.name in mine.near else (peer.gateway, mine.device)
        wanted[_route_key(str(peer.pod_cidr))] = ("via", way[0], "dev", way[1])
    for peer in mine.tunnelled:
        wanted[_neighbour_key(peer.gateway)] = (peer.vtep_mac, PERMANENT)
        wanted[_fdb_key(peer.vtep_mac)] = ("to", peer.public_ip, "permanent")
    return wanted


def _found(mine: Flannel6) -> Entries:
    node, gateways = mine.node, {peer.gateway for peer in mine.tunnelled}
    found: Entries = {}
    for route in sorted(node.routes, key=lambda route: route.metric):
        if route.table in TABLES and _leads_to_a_peer(route, mine):
            found.setdefault(_route_key(route.destination), ("via", route.gateway or "no gateway", "dev", route.dev))
    if mine.device:
        own = [f"{a.address}/{a.prefix}" for a in node.addresses if a.dev == mine.device and ":" in a.address and a.scope != "link"]
        found[f"address of {mine.device}"] = " ".join(own) or "no such device or address"
    for entry in node.neighbours:
        if entry.dev == mine.device and entry.address in gateways:
            found[_neighbour_key(entry.address)] = (entry.mac, " ".join(entry.states))
    for line in node.forwarding_database:
        if line.dev == mine.device and line.destination and not _of_a_near_one(line.mac, mine):
            found[_fdb_key(line.mac)] = ("to", line.destination, line.state)
    return found


def _of_a_near_one(mac: str, mine: Flannel6) -> bool:
    return any(peer.vtep_mac == mac and peer.name in mine.near for peer in mine.peers)


def _leads_to_a_peer(route: Route, mine: Flannel6) -> bool:
    """Whether the route is one into a peer's podCIDR, or one by a gateway into the tunnel, which stands for some node."""
    if ":" not in route.destination:
        return False
    destination = IPv6Network(route.destination, strict=False)
    into_peer = any(destination.subnet_of(peer.pod_cidr) for peer in mine.peers)
    return into_peer or bool(mine.device and route.dev == mine.device and route.gateway)


def _route_key(cidr: str) -> str:
    return f"route to {cidr}"


def _neighbour_key(address: str) -> str:
    return f"neighbour {address}"


def _fdb_key(mac: str) -> str:
    return f"forwarding entry {mac}"


def rules(node: NodeFacts) -> Comparison:
    """What the node's IPv6 rules do to pod traffic: forwarded by a rule, masqueraded only where it leaves the pod network."""
    mine = NodeRules6(node)
    doubts = Doubts(node.node)
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    wanted = dict(_forwarding(mine, found, notes, doubts))
    if node.inventory.flannel_ipmasq is not False:
        wanted |= _sources(mine, found, notes, doubts)
    return doubts.settle(Comparison("what IPv6 rules do to pod traffic", found, {k: v for k, v in wanted.items() if k in found}, notes))


def _forwarding(mine: NodeRules6, found: dict[str, str], notes: dict[str, str], doubts: Doubts) -> Iterator[tuple[str, str]]:
    for words, src, dst in _pairs(mine):
        branches = forward(mine.worlds, mine.forwarded(src, dst))
        uncertain = next((branch for branch in branches if branch.uncertain), None)
        if uncertain is not None:
            doubts.add(f"{words}: {uncertain.by or uncertain.trace}")
            continue
        blocked = next((branch for branch in branches if not branch.verdict.passes), None)
        ruled = blocked is None and all(branch.by for branch in branches)
        found[f"forward {words}"] = str(blocked.verdict) if blocked else ACCEPTED if ruled else "accepted by the policy only"
        notes[f"forward {words}"] = str(blocked.by) if blocked and blocked.by else ""
        yield f"forward {words}", ACCEPTED


def _sources(mine: NodeRules6, found: dict[str, str], notes: dict[str, str], doubts: Doubts) -> dict[str, str]:
    cases = [
        (words, mine.forwarded(src, dst), KEPT if dst != OUTSIDE else MASQUERADED) for words, src, dst in _pairs(mine) if src != OUTSIDE
    ]
    cases.append((f"pod {mine.pod} > multicast {MULTICAST}", mine.forwarded(mine.pod, MULTICAST, "udp", 5353), KEPT))
    for words, packet, _ in cases:
        result = translation(mine.worlds, packet, route=mine.device)
        if result.kind == "unknown":
            doubts.add(result.why)
            continue
        found[words] = _SOURCE.get(result.kind, "dropped")
        notes[words] = str(result.by) if result.by else "no nat rule matches"
    return {words: wanted for words, _, wanted in cases}


def _pairs(mine: NodeRules6) -> Iterable[tuple[str, str, str]]:
    yield f"pod {mine.pod} > outside", mine.pod, OUTSIDE
    yield f"outside > pod {mine.pod}", OUTSIDE, mine.pod
    for node, cidr in mine.remote_cidrs:
        remote = mine.remote_pod(cidr)
        yield f"pod {mine.pod} > pod {remote} of {node}", mine.pod, remote
        yield f"pod {remote} of {node} > pod {mine.pod}", remote, mine.pod


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"flannel_ipv6": state, "flannel_ipv6_rules": rules}
