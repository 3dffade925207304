"""What the kernel of a node offers and how it is set: tunnels, reverse-path filter, connection tracking, local ports."""

from __future__ import annotations

from collections.abc import Callable

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import counters
from pytest_k8snet.plan.node_ports import node_port_range
from pytest_k8snet.plan.readers import AFTER, BEFORE

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_flannel import uplink
from .node_links import BRIDGE

MODULES = {"vxlan": "vxlan", "wireguard": "wireguard", "ipip": "ipip"}  # backend -> kind of its device and name of its module
STRICT = "1"
PER_CORE, AT_LEAST = 32768, 131072  # kube-proxy's defaults for nf_conntrack_max
FULL = 0.8
LOSSES = ("insert_failed", "drop", "early_drop")


def backend_module(node: NodeFacts) -> Comparison:
    """A device of the backend's kind exists, or its module is loaded; what is built in shows only by the device."""
    wanted = MODULES[node.net_conf.backend]
    loaded = set() if node.absent("modules") else {line.split()[0] for line in node.text("modules").splitlines() if line.split()}
    device = next((link.name for link in node.links.values() if link.kind == wanted), "")
    found = f"device {device}" if device else "module loaded" if wanted in loaded else "neither a device nor a loaded module"
    expected = found if device or wanted in loaded else "a device of this kind, or the module loaded"
    return Comparison(f"{wanted} in the kernel (ip -j -d link show, /proc/modules)", {wanted: found}, {wanted: expected})


def reverse_path(node: NodeFacts) -> Comparison:
    """Effective rp_filter (the maximum of `all` and the device's), and packets that it dropped while the suite probed.

    Strict mode is harmless where nothing is dropped by it: the kernel counts every packet that it drops.
    """
    values = {path.split("/")[-2]: text.strip() for path, text in node.files("rp-filter").items()}
    if "all" not in values:
        raise Inconclusive(f"{node.node}: net.ipv4.conf.all.rp_filter was not read")
    devices = _devices(node)
    if unread := [dev for dev in devices if dev not in values]:
        raise Inconclusive(f"{node.node}: net.ipv4.conf.{unread[0]}.rp_filter was not read")
    if odd := [dev for dev in ("all", *devices) if values[dev] not in ("0", "1", "2")]:
        raise Inconclusive(f"{node.node}: net.ipv4.conf.{odd[0]}.rp_filter is {values[odd[0]]!r}, none of 0, 1 and 2")
    effective = {dev: max(values["all"], values[dev]) for dev in devices}
    dropped = _grown(node, "netstat", counters.netstat, ("TcpExt.IPReversePathFilter",))["TcpExt.IPReversePathFilter"]
    found = {dev: _mode(value, dropped) for dev, value in effective.items()}
    notes = {dev: f"rp_filter {value}, {dropped} packets dropped by it during the run" for dev, value in effective.items()}
    return Comparison(
        "reverse-path filter (/proc/sys/net/ipv4/conf, /proc/net/netstat)", found, dict.fromkeys(found, "drops nothing"), notes
    )


def tracking(node: NodeFacts) -> Comparison:
    """Room for connections, and losses of connection tracking during the run."""
    limit, count = (int(node.text(name).strip()) for name in ("conntrack-max", "conntrack-count"))
    found = {"below 80 % of nf_conntrack_max": "yes" if count < FULL * limit else f"no, {count} of {limit}"}
    found |= {f"{name} during the run": str(number) for name, number in _grown(node, "conntrack-stat", counters.conntrack, LOSSES).items()}
    expected = {"below 80 % of nf_conntrack_max": "yes", **{f"{name} during the run": "0" for name in LOSSES}}
    wanted = _conntrack_wanted(node)
    if wanted is not None:
        found["nf_conntrack_max"] = str(limit) if limit < wanted else f"at least {wanted}"
        expected["nf_conntrack_max"] = f"at least {wanted}"
    return Comparison("connection tracking (/proc/sys/net/netfilter, /proc/net/stat/nf_conntrack)", found, expected)


def local_ports(node: NodeFacts) -> Comparison:
    """Ports that the kernel gives to outgoing connections, without the reserved ones, against the NodePort range."""
    low, high = (int(word) for word in node.text("local-ports").split())
    first, last = node_port_range(node.recording)
    reserved = _ports(node.text("reserved-ports").strip())
    shared = [port for port in range(max(low, first), min(high, last) + 1) if port not in reserved]
    found = f"overlap: {shared[0]} to {shared[-1]}" if shared else "no overlap"
    key = f"NodePorts {first}-{last}"
    caption = "net.ipv4.ip_local_port_range (/proc/sys/net/ipv4)"
    return Comparison(caption, {key: found}, {key: "no overlap"}, {key: f"{low}-{high}, reserved: {len(reserved)}"})


def _devices(node: NodeFacts) -> list[str]:
    """The uplink, and with flannel the tunnel and the bridge, as far as there are such devices."""
    if node.inventory.cni != "flannel":
        own = set(node.inventory.node(node.node).internal_ips)
        return sorted({address.dev for address in node.addresses if address.address in own})
    return [dev for dev in dict.fromkeys((uplink(node)[0], node.net_conf.device, BRIDGE)) if dev in node.links]


def _mode(value: str, dropped: int) -> str:
    return f"strict, and drops packets ({dropped})" if value == STRICT and dropped else "drops nothing"


def _grown(node: NodeFacts, name: str, parse: Callable[[str], dict[str, int]], keys: tuple[str, ...]) -> dict[str, int]:
    """Growth of counters between the two phases. Raises Inconclusive where one was not read."""
    before, after = (node.parsed(name, parse, phase) for phase in (BEFORE, AFTER))
    if missing := [key for key in keys if key not in before or key not in after]:
        raise Inconclusive(f"{node.node}: {name} ({node.source(name)}) holds no counter {missing[0]}")
    return {key: after[key] - before[key] for key in keys}


def _conntrack_wanted(node: NodeFacts) -> int | None:
    """kube-proxy's default for this node's cores; None where its configuration sets another or leaves the limit alone."""
    settings = node.proxy_config.get("conntrack") or {}
    if settings.get("maxPerCore") is not None or settings.get("min") is not None:
        return None
    cores = str(((node.api.get("status") or {}).get("capacity") or {}).get("cpu", ""))
    return max(PER_CORE * int(cores), AT_LEAST) if cores.isdigit() else AT_LEAST


def _ports(text: str) -> frozenset[int]:
    ranges = [part.partition("-") for part in text.split(",") if part.strip()]
    return frozenset(port for first, _, last in ranges for port in range(int(first), int(last or first) + 1))


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "backend_module": backend_module,
    "reverse_path": reverse_path,
    "tracking": tracking,
    "local_ports": local_ports,
}
