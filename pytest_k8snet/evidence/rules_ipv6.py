"""A node's rules for IPv6 of all worlds, and sample packets as they travel on that node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_network

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.netfilter.hooks import Worlds
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.plan import flannel
from pytest_k8snet.plan.readers import LEGACY6

from .node_facts import NodeFacts
from .rules import CLIENT_PORT, SERVER_PORT, NodeRules, sample

OUTSIDE = "2001:db8:ffff::7"  # RFC 3849, for documentation: in nobody's pod, node or Service network
MULTICAST = "ff05::fb"


class NodeRules6:
    """Rules and routes of one node for IPv6. Raises Inconclusive where a world of rules was not read."""

    def __init__(self, facts: NodeFacts) -> None:
        self.facts, self._four = facts, NodeRules(facts)

    @cached_property
    def worlds(self) -> Worlds:
        """All rules that apply to IPv6 on the node."""
        return self._four.read(LEGACY6)

    @cached_property
    def own_cidr(self) -> IPv6Network:
        """The node's IPv6 podCIDR."""
        if self.facts.node not in self.cidrs:
            raise Inconclusive(f"{self.facts.node}: the Node object has no IPv6 podCIDR")
        return self.cidrs[self.facts.node]

    @cached_property
    def cidrs(self) -> Mapping[str, IPv6Network]:
        """Node -> IPv6 podCIDR for every node that has one."""
        found = ((item["metadata"]["name"], map(ip_network, flannel.pod_cidrs(item))) for item in self.facts.api_nodes)
        return {name: cidr for name, cidrs in found for cidr in cidrs if isinstance(cidr, IPv6Network)}

    @property
    def remote_cidrs(self) -> Iterator[tuple[str, IPv6Network]]:
        """The other nodes' podCIDRs."""
        return ((name, cidr) for name, cidr in self.cidrs.items() if name != self.facts.node)

    @cached_property
    def pod(self) -> str:
        """A sample address of a pod on this node."""
        return sample(self.own_cidr, self._four.busy)

    def remote_pod(self, cidr: IPv6Network) -> str:
        """A sample address of a pod on another node."""
        return sample(cidr, self._four.busy)

    def forwarded(self, src: str, dst: str, protocol: str = "tcp", dport: int = SERVER_PORT, mark: int = 0) -> Packet:
        """A new packet that comes in by one device and goes out by another, as this node routes it."""
        come, gone = self.device(src), self.device(dst)
        return Packet(src, dst, protocol, CLIENT_PORT, dport, in_iface=come, out_iface=gone, mark=mark, local=self.local)

    def arriving(self, src: str, dst: str, protocol: str, dport: int) -> Packet:
        """A new packet as it enters PREROUTING."""
        return Packet(src, dst, protocol, CLIENT_PORT, dport, in_iface=self.device(src), local=self.local)

    def sent(self, dst: str, protocol: str, dport: int) -> Packet:
        """A new packet that a process of the node sends."""
        return Packet(self.node_ip, dst, protocol, CLIENT_PORT, dport, out_iface=self.device(dst), local=self.local)

    @property
    def local(self) -> frozenset[str]:
        """The node's own addresses."""
        return self._four.local

    @cached_property
    def node_ip(self) -> str:
        """The node's first IPv6 InternalIP. Raises Inconclusive where it has none."""
        told = (self.facts.api.get("status") or {}).get("addresses") or ()
        found = [a["address"] for a in told if a.get("type") == "InternalIP" and ":" in a["address"]]
        if not found:
            raise Inconclusive(f"{self.facts.node}: the Node object has no IPv6 InternalIP")
        return str(found[0])

    @lru_cache(maxsize=256)  # noqa: B019
    def device(self, address: str) -> str:
        """Device by which the node reaches an address: longest prefix of the main table, "" when no route leads there."""
        if address in self.local or address == "::1":
            return "lo"
        target = IPv6Address(address)
        routes = [(net, dev) for net, dev in self._networks if target in net]
        return max(routes, key=lambda route: route[0].prefixlen, default=(None, ""))[1]

    @cached_property
    def _networks(self) -> list[tuple[IPv6Network, str]]:
        main = [route for route in self.facts.routes if route.table in ("", "main") and route.dev and ":" in route.destination]
        return [(IPv6Network(route.destination), route.dev) for route in main]
