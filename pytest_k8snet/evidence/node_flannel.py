"""flannel's state on a node against what the API objects demand of it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface, IPv4Network

from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse import ip, subnet_env
from pytest_k8snet.plan import flannel

from .comparison import Comparison
from .node_facts import NodeFacts

CNI_FILE = "10-flannel.conflist"
CNI_KEY = "cni-conf.json"
PERMANENT = "PERMANENT"
TABLES = ("", "main", "local")
STOPPING = ("blackhole", "unreachable", "prohibit", "throw")  # kinds of route that lead nowhere
UNUSED = ("dead", "linkdown")  # flags of a route whose device is down
KEYS = {
    Family.IPV4: ("FLANNEL_NETWORK", "FLANNEL_SUBNET"),
    Family.IPV6: ("FLANNEL_IPV6_NETWORK", "FLANNEL_IPV6_SUBNET"),
}


def peer_routes(node: NodeFacts) -> Comparison:
    """podCIDR -> next hop and device: one for every peer, none for a node that is no longer there, none for a part of a podCIDR.

    Inside the node's own podCIDR no route may stop packets: pods that come later get its addresses.

    Of several routes to one destination the kernel takes that with the lowest metric; a narrower one wins over all of them.
    """
    nic, links = uplink(node)
    expected = flannel.routes(node.net_conf, node.peers, nic, links)
    wanted = {cidr: ("via", gateway, "dev", dev) for cidr, (gateway, dev) in expected.items()}
    notes = {str(peer.pod_cidr): f"podCIDR of {peer.name}" for peer in node.peers}
    ours: dict[str, ip.Route] = {}
    for route in sorted((r for r in node.routes if r.table in TABLES), key=lambda r: r.metric):
        owner = _owner(route, node)
        if owner or _into_pod_network(route, node.net_conf):
            ours.setdefault(route.destination, route)
            notes.setdefault(route.destination, f"inside the podCIDR of {owner}" if owner else "")
    found = {destination: _way(route) for destination, route in ours.items()}
    return Comparison(f"routes to the other nodes' podCIDRs ({node.source('routes')})", found, wanted, notes)


def neighbours(node: NodeFacts) -> Comparison:
    """Tunnel address of each peer -> its MAC and state on the tunnel device."""
    device = node.net_conf.device
    expected = {address: (mac, PERMANENT) for address, mac in flannel.neighbours(node.peers).items()}
    entries = [entry for entry in node.neighbours if entry.dev == device and entry.address in expected]
    found = {entry.address: (entry.mac, " ".join(entry.states)) for entry in entries}
    notes = {peer.gateway: f"tunnel address of {peer.name}" for peer in node.peers}
    return Comparison(f"neighbours on {device} ({node.source('neighbours')})", found, expected, notes)


def fdb(node: NodeFacts) -> Comparison:
    """MAC of each peer's tunnel device -> where encapsulated packets go, on the tunnel device; entries of others are surplus."""
    device = node.net_conf.device
    entries = [entry for entry in node.forwarding_database if entry.dev == device and entry.destination]
    found: dict[str, frozenset[tuple[str, str]]] = {}
    for entry in entries:
        found[entry.mac] = found.get(entry.mac, frozenset()) | {(entry.destination, entry.state)}
    expected = {mac: frozenset({(address, "permanent")}) for mac, address in flannel.fdb(node.peers).items()}
    notes = {peer.vtep_mac: f"VtepMAC of {peer.name}" for peer in node.peers}
    return Comparison(f"forwarding database of {device} ({node.source('fdb')})", found, expected, notes)


def subnet_keys(node: NodeFacts) -> Comparison:
    """Which of its keys /run/flannel/subnet.env holds: two for each family of the cluster, and two for all."""
    caption = "/run/flannel/subnet.env"
    keys = [key for family in node.inventory.families for key in KEYS[family]] + ["FLANNEL_MTU", "FLANNEL_IPMASQ"]
    if node.absent("subnet.env"):
        return Comparison(caption, {"file": "missing"}, {"file": "present"})
    values = node.parsed("subnet.env", subnet_env.parse)
    return Comparison(caption, {key: "present" if values.get(key) else "missing" for key in keys}, dict.fromkeys(keys, "present"))


def subnet_values(node: NodeFacts) -> Comparison:
    """Values of subnet.env against net-conf.json, the node's podCIDR and the external interface."""
    if node.absent("subnet.env"):
        return Comparison("/run/flannel/subnet.env", {"file": "missing"}, {"file": "present"})
    nic, _ = uplink(node)
    expected = flannel.subnet_env(node.net_conf, node.host, node.links[nic].mtu)
    values = node.parsed("subnet.env", subnet_env.parse)
    conf, mtu = node.net_conf, node.links[nic].mtu
    notes = {
        "FLANNEL_NETWORK": "Network of net-conf.json",
        "FLANNEL_SUBNET": f"first address of the node's podCIDR {node.host.pod_cidr}",
        "FLANNEL_MTU": f"MTU {mtu} of {nic} minus {flannel.OVERHEAD.get(conf.backend, 0)} for {conf.backend}",
        "FLANNEL_IPMASQ": "with false the bridge plugin masquerades traffic between pods of different nodes",
    }
    found = {key: values.get(key, "") for key in expected}
    found["FLANNEL_NETWORK holds the node's podCIDR"] = _holds(found["FLANNEL_NETWORK"], node.host.pod_cidr)
    wanted = {**expected, "FLANNEL_NETWORK holds the node's podCIDR": "yes"}
    return Comparison("/run/flannel/subnet.env", found, wanted, notes)


def _holds(network: str, cidr: IPv4Network) -> str:
    """A network that equals net-conf.json's may still be wrong: there it is a setting, at the node a fact."""
    try:
        held = cidr.subnet_of(IPv4Network(network))
    except ValueError:
        return f"no, {network or 'nothing'} is no network"
    return "yes" if held else f"no, {cidr} is outside {network}"


def cni_file(node: NodeFacts) -> Comparison:
    """The CNI configuration on the node, line by line, against the ConfigMap."""
    name, data = flannel.config_object(node.recording)
    if CNI_KEY not in data:
        raise Inconclusive(f"ConfigMap {name} has no key {CNI_KEY}")
    files = node.files("cni")
    path = next((path for path in files if path.endswith(f"/{CNI_FILE}")), None)
    caption = f"/etc/cni/net.d/{CNI_FILE} against key {CNI_KEY} of ConfigMap {name}"
    if path is None:
        there = ", ".join(sorted(path.rpartition("/")[2] for path in files)) or "no file"
        return Comparison(caption, {"file": "missing"}, {"file": "present"}, {"file": f"the directory holds {there}"})
    return Comparison(caption, _lines(files[path]), _lines(data[CNI_KEY]))


def tunnel_mtu(node: NodeFacts) -> Comparison:
    """MTU of the tunnel device."""
    conf = node.net_conf
    if not conf.device:
        raise NotApplicable(f"backend {conf.backend} has no tunnel device")
    nic, _ = uplink(node)
    external = node.links[nic].mtu
    base = f"configured MTU {conf.mtu}" if conf.mtu else f"MTU {external} of {nic}"
    found = {conf.device: node.links[conf.device].mtu} if conf.device in node.links else {}
    notes = {conf.device: f"{base} minus {flannel.OVERHEAD.get(conf.backend, 0)} bytes for {conf.backend}"}
    return Comparison(f"MTU of the tunnel device ({node.source('links')})", found, {conf.device: flannel.tunnel_mtu(conf, external)}, notes)


def uplink(node: NodeFacts) -> tuple[str, list[IPv4Interface]]:
    """The interface that holds the node's public address, and that address with its network.

    Raises Inconclusive when no device holds it.
    """
    public = node.host.public_ip
    dev = next((a.dev for a in node.addresses if a.address == public), None) or _internal_device(node)
    if dev is None or dev not in node.links:
        raise Inconclusive(f"{node.node}: no device holds {public} (annotation public-ip): the external interface is unknown")
    return dev, [IPv4Interface(f"{a.address}/{a.prefix}") for a in node.addresses if a.dev == dev and ":" not in a.address]


def _internal_device(node: NodeFacts) -> str | None:
    """public-ip may be an address outside the node (public-ip-overwrite): then the InternalIP's device carries the tunnel."""
    own = {a["address"] for a in (node.api.get("status") or {}).get("addresses") or () if a.get("type") == "InternalIP"}
    return next((address.dev for address in node.addresses if address.address in own), None)


def _owner(route: ip.Route, node: NodeFacts) -> str:
    """The peer whose podCIDR, or a part of it, the route leads to, whatever its kind; this node if it stops packets; "" for no node."""
    if ":" in route.destination:
        return ""
    destination = IPv4Network(route.destination, strict=False)
    if route.kind in STOPPING and destination.subnet_of(node.host.pod_cidr):
        return node.node
    return next((peer.name for peer in node.peers if destination.subnet_of(peer.pod_cidr)), "")


def _into_pod_network(route: ip.Route, conf: flannel.NetConf) -> bool:
    """Whether a route by a gateway uses the tunnel or leads into the pod network: then it stands for some node's podCIDR."""
    if not (route.gateway or route.nexthops):
        return False
    if conf.device and route.dev == conf.device:
        return True
    if conf.network is None or ":" in route.destination:
        return False
    address = IPv4Interface(route.destination)
    return address.network.prefixlen > 0 and address.ip in conf.network


def _way(route: ip.Route) -> tuple[str, ...]:
    """("via", gateway, "dev", device); a route without a gateway shows its kind or scope, one that is out of use says why."""
    words = [] if route.kind == "unicast" else [route.kind]
    for gateway, dev in route.nexthops or ((route.gateway, route.dev),):
        words += ["via", gateway] if gateway else []
        words += ["dev", dev] if dev else []
    words += [flag for flag in route.flags if flag in UNUSED]
    direct = route.kind == "unicast" and not (route.gateway or route.nexthops)
    return (*words, "scope", route.scope or "global") if direct else tuple(words)


def _lines(text: str) -> dict[str, str]:
    return {f"line {number}": repr(line) for number, line in enumerate(text.split("\n"), 1)}


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "peer_routes": peer_routes,
    "neighbours": neighbours,
    "fdb": fdb,
    "subnet_keys": subnet_keys,
    "subnet_values": subnet_values,
    "cni_file": cni_file,
    "tunnel_mtu": tunnel_mtu,
}
