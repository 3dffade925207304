"""Kernel settings and the resolver file of a node."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import resolv
from pytest_k8snet.plan.readers import AFTER, BEFORE, HOST, resolver_path
from pytest_k8snet.plan.resolver_file import MAX_NAMESERVERS

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_flannel import uplink

BRIDGE = "cni0"
PHASES = {BEFORE: "before the first probe pod", AFTER: "after the probes"}
USABLE = "one to three servers, none on loopback"


def forwarding(node: NodeFacts) -> Comparison:
    """net.ipv4.ip_forward, and forwarding of the devices on the pods' way.

    Both phases count: creating a pod makes the bridge plugin write ip_forward = 1, which hides that it was 0.
    """
    found: dict[str, str] = {}
    for phase, when in PHASES.items():
        found[f"net.ipv4.ip_forward {when}"] = node.text("ip-forward", phase).strip()
        values = {path.split("/")[-2]: text.strip() for path, text in node.files("forwarding", phase).items()}
        for dev in _devices(node):
            if dev in values:
                found[f"net.ipv4.conf.{dev}.forwarding {when}"] = values[dev]
            elif dev != BRIDGE or (phase == AFTER and dev in node.links):  # the bridge is made with the first pod
                raise Inconclusive(f"{node.node}: net.ipv4.conf.{dev}.forwarding was not read {when}")
    return Comparison("IPv4 forwarding (/proc/sys/net/ipv4)", found, dict.fromkeys(found, "1"))


def bridged_traffic(node: NodeFacts) -> Comparison:
    """net.bridge.bridge-nf-call-iptables; the file exists exactly when br_netfilter is loaded."""
    key, caption = "net.bridge.bridge-nf-call-iptables", "bridged traffic and iptables (/proc/sys/net/bridge/bridge-nf-call-iptables)"
    found = "br_netfilter is not loaded" if node.absent("bridge-nf") else node.text("bridge-nf").strip()
    return Comparison(caption, {key: found}, {key: "1"})


def resolver_file(node: NodeFacts) -> Comparison:
    """Nameservers in the file named by kubelet's resolvConf."""
    path = resolver_path(node.recording, node.node)
    if path is None:
        raise Inconclusive(f"{node.node}: kubelet's configuration (configz) was not read: its resolvConf is unknown")
    if not path:
        return Comparison("kubelet's resolvConf", {"path": "empty: pods get a loopback server"}, {"path": "a file"})
    caption = f"{path} (kubelet's resolvConf)"
    if node.absent("resolv.conf"):
        return Comparison(caption, {"file": "missing"}, {"file": "present"})
    if node.source("resolv.conf") != HOST + path:
        raise Inconclusive(f"{node.node}: {node.source('resolv.conf')} was read instead of {path}, which kubelet uses")
    servers = node.parsed("resolv.conf", resolv.parse).nameservers
    return Comparison(caption, {"nameservers": _judged(servers)}, {"nameservers": USABLE}, {"nameservers": " ".join(servers)})


def _judged(servers: tuple[str, ...]) -> str:
    loopback = [server for server in servers if ip_address(server.partition("%")[0]).is_loopback]
    if loopback:
        return f"loopback {' '.join(loopback)}"
    if not servers:
        return "no server"
    return USABLE if len(servers) <= MAX_NAMESERVERS else f"{len(servers)} servers, of which kubelet keeps {MAX_NAMESERVERS}"


def _devices(node: NodeFacts) -> list[str]:
    """The uplink, and with flannel the bridge and the tunnel, if there is one. Without flannel the other devices' names are not known."""
    if node.inventory.cni != "flannel":
        return _holding(node, set(node.inventory.node(node.node).internal_ips))
    return list(dict.fromkeys(filter(None, [BRIDGE, node.net_conf.device, uplink(node)[0]])))


def _holding(node: NodeFacts, addresses: set[str]) -> list[str]:
    return sorted({address.dev for address in node.addresses if address.address in addresses})


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "forwarding": forwarding,
    "bridged_traffic": bridged_traffic,
    "resolver_file": resolver_file,
}
