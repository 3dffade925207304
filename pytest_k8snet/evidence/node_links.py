"""Devices of a node: the tunnel, the bridge of its pods, and the bridge's ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse import bridge, cni, ip, subnet_env
from pytest_k8snet.plan import flannel

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_flannel import peer_routes, uplink

BRIDGE = "cni0"
PRESENT = "present"
VXLAN_PORT = 8472  # flannel's default on Linux


def tunnel_link(node: NodeFacts) -> Comparison:
    """Attributes of flannel's vxlan device, as net-conf.json and the node's own annotations say them."""
    device, nic = node.net_conf.device, uplink(node)[0]
    own = [address.address for address in node.addresses if address.dev == nic and ":" not in address.address]
    local = node.host.public_ip if node.host.public_ip in own else next(iter(own), "")
    expected = {
        "state": "UP", "type": "vxlan", "id": node.net_conf.vni, "dstport": node.net_conf.port or VXLAN_PORT,
        "local": local, "dev": nic, "learning": "off", "MAC": node.host.vtep_mac,
    }  # fmt: skip
    notes = {"MAC": "VtepMAC of the node's own annotation backend-data", "local": f"the address of {nic}"}
    link = node.links.get(device)
    found = _vxlan(link) if link else {"device": "missing"}
    return Comparison(f"device {device} ({node.source('links')})", found, expected if link else {"device": PRESENT}, notes)


def tunnel_address(node: NodeFacts) -> Comparison:
    """IPv4 addresses of flannel's vxlan device."""
    device = node.net_conf.device
    found = frozenset(f"{a.address}/{a.prefix}" for a in node.addresses if a.dev == device and ":" not in a.address)
    expected = frozenset({f"{node.host.gateway}/32"})
    caption = f"IPv4 addresses of {device} ({node.source('addresses')})"
    return Comparison(caption, {device: found}, {device: expected}, {device: f"network address of podCIDR {node.host.pod_cidr}"})


def pod_bridge(node: NodeFacts) -> Comparison:
    """The bridge, its only IPv4 address and the route of the node's podCIDR, where pods of the pod network run."""
    link = node.links.get(BRIDGE)
    if link is None and not _pods(node):
        raise NotApplicable(f"{node.node} has no pod of the pod network, and so no {BRIDGE} yet")
    found = {"device": f"{'UP' if link.up else 'DOWN'} {link.kind}" if link else "missing"}
    found["IPv4 addresses"] = ", ".join(
        sorted(f"{a.address}/{a.prefix}" for a in node.addresses if a.dev == BRIDGE and ":" not in a.address)
    )
    found["route of the podCIDR"] = _route(node)
    subnet = flannel.subnet_env(node.net_conf, node.host, 0)["FLANNEL_SUBNET"]
    expected = {"device": "UP bridge", "IPv4 addresses": subnet, "route of the podCIDR": f"dev {BRIDGE}"}
    notes = {"IPv4 addresses": "FLANNEL_SUBNET, of the node's podCIDR", "route of the podCIDR": str(node.host.pod_cidr)}
    return Comparison(f"bridge {BRIDGE} ({node.source('addresses')}, {node.source('routes')})", found, expected, notes)


def hairpin(node: NodeFacts) -> Comparison:
    """Hairpin mode of the bridge's ports, where the CNI configuration asks for it."""
    if not _asks_for_hairpin(node):
        raise NotApplicable("the flannel plugin of the CNI configuration does not ask for hairpinMode")
    ports = [port for port in node.parsed("bridge-links", bridge.links) if port.master == BRIDGE]
    if not ports:
        raise NotApplicable(f"{node.node}: {BRIDGE} has no port")
    found = {port.name: {True: "on", False: "off", None: "not told"}[port.hairpin] for port in ports}
    return Comparison(f"hairpin mode of the ports of {BRIDGE} ({node.source('bridge-links')})", found, dict.fromkeys(found, "on"))


def host_gw(node: NodeFacts) -> Comparison:
    """host-gw: a route by each peer's own address, on a link that both share, and pods with the link's MTU."""
    if node.net_conf.backend != "host-gw":
        raise NotApplicable(f"backend {node.net_conf.backend} is not host-gw")
    nic, links = uplink(node)
    routes = peer_routes(node)
    near = {peer.name: any(IPv4Address(peer.public_ip) in link.network for link in links) for peer in node.peers}
    shares = {f"shares a link with {name}": "yes" if shared else "no" for name, shared in near.items()}
    found = {**routes.actual, **shares, "FLANNEL_MTU": flannel_mtu(node)}
    expected = {**routes.expected, **dict.fromkeys(shares, "yes"), "FLANNEL_MTU": node.net_conf.mtu or node.links[nic].mtu}
    return Comparison(f"host-gw: {routes.caption}", found, expected, {**routes.notes, "FLANNEL_MTU": f"MTU of {nic}"})


def flannel_mtu(node: NodeFacts) -> int:
    """FLANNEL_MTU of subnet.env. Raises Inconclusive."""
    text = node.parsed("subnet.env", subnet_env.parse).get("FLANNEL_MTU", "")
    if not text.isdigit():
        raise Inconclusive(f"{node.node}: subnet.env has no FLANNEL_MTU, or {text!r}")
    return int(text)


def _vxlan(link: ip.Link) -> dict[str, object]:
    return {
        "state": "UP" if link.up else "DOWN", "type": link.kind, "id": link.vni, "dstport": link.port, "local": link.local,
        "dev": link.link, "learning": {True: "on", False: "off", None: "not told"}[link.learning], "MAC": link.mac.lower(),
    }  # fmt: skip


def _route(node: NodeFacts) -> str:
    cidr = str(node.host.pod_cidr)
    ways = [route for route in node.routes if route.destination == cidr and route.table in ("", "main")]
    return ", ".join(" ".join(_words(route)) for route in ways) or "missing"


def _words(route: ip.Route) -> Iterator[str]:
    if route.kind != "unicast":
        yield route.kind
    if route.gateway:
        yield f"via {route.gateway}"
    yield f"dev {route.dev}"


def _pods(node: NodeFacts) -> list[str]:
    """Probe pods of the pod network that ran on the node, and the system's own."""
    probes = [entry for entry in node.recording.entries("fleet") if entry["endpoint"].startswith("pod/") and not entry["problem"]]
    return [entry["endpoint"] for entry in probes if entry["endpoint"].endswith(f"@{node.node}")]


def _asks_for_hairpin(node: NodeFacts) -> bool:
    """The node's own CNI configuration decides, whichever file of it is flannel's."""
    configurations = [node.understood("cni", cni.parse, text) for text in node.files("cni").values()]
    plugins = [plugin for found in configurations if (plugin := found.plugin("flannel")) is not None]
    if not plugins:
        raise Inconclusive(f"{node.node}: no CNI configuration names the flannel plugin")
    return any((plugin.get("delegate") or {}).get("hairpinMode") is True for plugin in plugins)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "tunnel_link": tunnel_link,
    "tunnel_address": tunnel_address,
    "pod_bridge": pod_bridge,
    "hairpin": hairpin,
    "host_gw": host_gw,
}
