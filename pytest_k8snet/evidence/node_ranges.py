"""Addresses of a node: its InternalIP is its own, and no other network of the node lies in the cluster's ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse.ip import Route
from pytest_k8snet.plan import flannel

from .cluster_objects import ClusterObjects
from .comparison import Comparison
from .networks import Network, address_of, holds, listed, networks, plain
from .node_facts import NodeFacts
from .node_links import BRIDGE

PROXY_DEVICES = ("kube-ipvs0", "nodelocaldns")  # they hold Service addresses on purpose
OWN_KINDS = ("local", "broadcast", "multicast", "anycast")
DISJOINT = "disjoint"
RANGES = ("podSubnet", "serviceSubnet")


def internal_address(node: NodeFacts) -> Comparison:
    """Every InternalIP of the Node object is on an interface."""
    wanted = [a["address"] for a in (node.api.get("status") or {}).get("addresses") or () if a.get("type") == "InternalIP"]
    held = {plain(address.address): address.dev for address in node.addresses}
    found = {address: "on an interface" if plain(address) in held else "on no interface" for address in wanted}
    notes = {address: held.get(plain(address), "") for address in wanted}
    caption = f"InternalIP of the Node object ({node.source('addresses')})"
    return Comparison(caption, found or {"InternalIP": "none"}, dict.fromkeys(wanted or ["InternalIP"], "on an interface"), notes)


def ranges(node: NodeFacts) -> Comparison:
    """podSubnet and serviceSubnet against each other, and against every network of the node that is not the pod network's own."""
    ours = _ranges(node)
    found = {what: _meeting(network, ours) for what, network in _networks(node, ours["podSubnet"])}
    services = {"serviceSubnet": ours["serviceSubnet"]}
    found |= {f"podSubnet {network}": _meeting(network, services) for network in ours["podSubnet"]}
    caption = f"networks of the node against the cluster's ranges ({node.source('routes')}, {node.source('addresses')})"
    return Comparison(caption, found, dict.fromkeys(found, DISJOINT))


def _ranges(node: NodeFacts) -> dict[str, tuple[Network, ...]]:
    networking = ClusterObjects(node.recording, node.inventory).networking or {}
    found = {name: listed(f"kubeadm-config {name}", networking.get(name)) for name in RANGES}
    if not any(found.values()):
        raise Inconclusive("the cluster does not tell its podSubnet and serviceSubnet (ConfigMap kube-system/kubeadm-config)")
    return found


def _meeting(network: Network, every: dict[str, tuple[Network, ...]]) -> str:
    over = [f"{name} {one}" for name, ranges_ in every.items() for one in ranges_ if holds(one, network) or holds(network, one)]
    return f"overlaps {', '.join(over)}" if over else DISJOINT


def _networks(node: NodeFacts, pods: tuple[Network, ...]) -> Iterator[tuple[str, Network]]:
    """Networks of addresses and routes that are not the pod network's own, without default routes and what no host routes."""
    cidrs = tuple(chain.from_iterable(networks("podCIDR", flannel.pod_cidrs(item)) for item in node.api_nodes))
    found = chain(_of_addresses(node), _of_routes(node, pods))
    for what, network in found:
        special = network.is_link_local or network.is_multicast or network.is_loopback
        if network.prefixlen and not special and not any(holds(cidr, network) for cidr in cidrs):
            yield what, network


def _of_addresses(node: NodeFacts) -> Iterator[tuple[str, Network]]:
    for address in node.addresses:
        if address.dev not in PROXY_DEVICES and address_of(address.address) is not None:
            for network in networks("addresses", [f"{address.address}/{address.prefix}"]):
                yield f"{address.dev} {network}", network


def _of_routes(node: NodeFacts, pods: tuple[Network, ...]) -> Iterator[tuple[str, Network]]:
    for route in node.routes:
        if route.kind not in OWN_KINDS and route.table != "local" and route.dev not in PROXY_DEVICES:
            for network in networks("routes", [route.destination]):
                if not _into_pod_network(node, route, network, pods):
                    yield f"route {network} dev {route.dev or route.kind}", network


def _into_pod_network(node: NodeFacts, route: Route, network: Network, pods: tuple[Network, ...]) -> bool:
    """Whether the route lies in podSubnet and leads to other nodes' pods: into the tunnel, or by a node's or a pod network's address."""
    if not any(holds(subnet, network) for subnet in pods):
        return False
    device = node.net_conf.device if node.inventory.cni == "flannel" else ""
    hops = networks("gateway", [hop for hop, _ in route.nexthops] or [route.gateway])
    nodes = {plain(entry["address"]) for item in node.api_nodes for entry in (item.get("status") or {}).get("addresses") or ()}
    known = any(str(hop.network_address) in nodes or any(holds(subnet, hop) for subnet in pods) for hop in hops)
    return known or (bool(device) and route.dev == device) or route.dev == BRIDGE or route.kind != "unicast"


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "internal_address": internal_address,
    "ranges": ranges,
}
