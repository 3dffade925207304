"""A node's rules of all worlds, and sample packets as they travel on that node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.netfilter.hooks import Worlds
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.parse import iptables, nft
from pytest_k8snet.parse.nft import NftRuleset
from pytest_k8snet.parse.ruleset import Ruleset, Table
from pytest_k8snet.plan import flannel
from pytest_k8snet.plan.readers import LEGACY4, Legacy

from .node_facts import NodeFacts

OUTSIDE = "198.51.100.7"  # TEST-NET-2 (RFC 5737): in nobody's pod, node or Service network
MULTICAST = "224.0.0.251"
CLIENT_PORT, SERVER_PORT = 40000, 7801


class NodeRules:
    """Rules and routes of one node. Raises Inconclusive where a world of rules was not read: unread is never empty."""

    def __init__(self, facts: NodeFacts) -> None:
        self.facts, self.node = facts, facts.node

    @cached_property
    def worlds(self) -> Worlds:
        """All rules that apply on the node."""
        return self.read(LEGACY4)

    def read(self, kind: Legacy) -> Worlds:
        """All rules for one family."""
        return Worlds(self.facts.parsed(kind.saved, _saved), self._legacy(kind), self.facts.parsed("nft", _native))

    def _legacy(self, kind: Legacy) -> Ruleset | None:
        """The legacy tables that exist; None when the kernel holds none."""
        if not self.facts.absent(kind.names):
            self.facts.text(kind.names)
        tables: dict[str, Table] = {}
        opaque: dict[str, str] = {}
        for name in kind.tables(self.facts.recording, self.node):
            dump = self.facts.parsed(f"{kind.program}/{name}", _saved)
            tables |= dump.tables
            opaque |= dump.opaque
        return Ruleset("legacy", tables, opaque) if tables or opaque else None

    @cached_property
    def local(self) -> frozenset[str]:
        """The node's own addresses."""
        return frozenset(address.address for address in self.facts.addresses)

    @cached_property
    def own_cidr(self) -> IPv4Network:
        """The node's podCIDR."""
        return _cidrs(self.facts.api)[0] if _cidrs(self.facts.api) else self._without_cidr()

    @cached_property
    def cidrs(self) -> Mapping[str, IPv4Network]:
        """Node -> podCIDR for every node that has one."""
        return {item["metadata"]["name"]: cidr for item in self.facts.api_nodes for cidr in _cidrs(item)[:1]}

    @property
    def remote_cidrs(self) -> Iterator[tuple[str, IPv4Network]]:
        """The other nodes' podCIDRs."""
        return ((name, cidr) for name, cidr in self.cidrs.items() if name != self.node)

    @cached_property
    def node_ips(self) -> Mapping[str, str]:
        """Node -> first IPv4 InternalIP."""
        nodes = {item["metadata"]["name"]: _internal_ip(item) for item in self.facts.api_nodes}
        return {name: address for name, address in nodes.items() if address}

    @cached_property
    def pod(self) -> str:
        """A sample address of a pod on this node."""
        return sample(self.own_cidr, self.busy)

    @cached_property
    def busy(self) -> frozenset[str]:
        """Addresses that samples avoid: rules may single them out."""
        slices = (self.facts.recording.object("endpointslices") or {}).get("items") or ()
        return self.local | {a for piece in slices for endpoint in piece.get("endpoints") or () for a in endpoint["addresses"]}

    @cached_property
    def bridged(self) -> bool:
        """Whether traffic between pods of this node passes the rules at all (bridge-nf-call-iptables)."""
        if self.facts.absent("bridge-nf"):
            return False
        value = self.facts.text("bridge-nf").strip()
        if value not in ("0", "1"):
            raise Inconclusive(f"{self.node}: {self.facts.source('bridge-nf')} holds {value!r}, neither 0 nor 1")
        return value == "1"

    def remote_pod(self, cidr: IPv4Network) -> str:
        """A sample address of a pod on another node."""
        return sample(cidr, self.busy)

    def forwarded(self, src: str, dst: str, protocol: str = "tcp", dport: int = SERVER_PORT, mark: int = 0) -> Packet:
        """A new packet that comes in by one device and goes out by another, as this node routes it."""
        return Packet(
            src, dst, protocol, CLIENT_PORT, dport, in_iface=self.device(src), out_iface=self.device(dst), mark=mark, local=self.local
        )

    def arriving(self, src: str, dst: str, protocol: str, dport: int) -> Packet:
        """A new packet as it enters PREROUTING."""
        return Packet(src, dst, protocol, CLIENT_PORT, dport, in_iface=self.device(src), local=self.local)

    def sent(self, dst: str, protocol: str, dport: int) -> Packet:
        """A new packet that a process of the node sends."""
        src = self.node_ips.get(self.node) or self.facts.inventory.node(self.node).ip
        return Packet(src, dst, protocol, CLIENT_PORT, dport, out_iface=self.device(dst), local=self.local)

    @lru_cache(maxsize=4096)  # noqa: B019
    def device(self, address: str) -> str:
        """Device by which the node reaches an address: longest prefix of the main table, "" when no route leads there."""
        if address in self.local:
            return "lo"
        target = IPv4Address(address)
        routes = [(net, dev) for net, dev in self._networks if target in net]
        return max(routes, key=lambda route: route[0].prefixlen, default=(None, ""))[1]

    @cached_property
    def _networks(self) -> list[tuple[IPv4Network, str]]:
        main = [route for route in self.facts.routes if route.table in ("", "main") and route.dev and ":" not in route.destination]
        return [(IPv4Network(route.destination), route.dev) for route in main]

    def _without_cidr(self) -> IPv4Network:
        self.facts.require_ipv4()
        raise Inconclusive(f"{self.node}: the Node object has no IPv4 podCIDR")


def sample(cidr: IPv4Network | IPv6Network, avoid: Iterable[str] = ()) -> str:
    """A pod's address near the end of a podCIDR, where the fewest pods are."""
    busy = frozenset(avoid)
    hosts = (str(cidr[index]) for index in range(-2, -min(cidr.num_addresses, 64), -1))
    return next((host for host in hosts if host not in busy), str(cidr[-2]))


def spread(cidr: IPv4Network) -> tuple[str, ...]:
    """Three addresses of a podCIDR: one near each end and one in the middle."""
    last = cidr.num_addresses - 1
    return tuple(str(cidr[min(index, last)]) for index in (2, cidr.num_addresses // 2, last - 1))


@lru_cache(maxsize=32)
def _saved(text: str) -> Ruleset:
    return iptables.parse_save(text)


@lru_cache(maxsize=32)
def _native(text: str) -> NftRuleset:
    return nft.parse_json(text)


def _cidrs(node: Mapping[str, object]) -> list[IPv4Network]:
    return [network for network in map(ip_network, flannel.pod_cidrs(node)) if isinstance(network, IPv4Network)]


def _internal_ip(node: Mapping[str, object]) -> str:
    status = node.get("status")
    addresses = (status.get("addresses") if isinstance(status, Mapping) else None) or ()
    return next((a["address"] for a in addresses if a.get("type") == "InternalIP" and ":" not in a["address"]), "")
