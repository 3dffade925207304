"""The Service and the Corefile of cluster DNS against what kubeadm makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import corefile
from pytest_k8snet.parse.errors import ParseError

from .cluster_objects import ClusterObjects
from .comparison import Comparison
from .networks import listed, plain

NAME = "configmap/kube-system/coredns"
DNS_INDEX = 10  # kubeadm's GetDNSIP: the tenth address of the first serviceSubnet
PORTS = {"dns": "53/UDP", "dns-tcp": "53/TCP"}
METRICS = {"metrics": "9153/TCP"}  # of CoreDNS, not of kube-dns before it
REVERSE = ("in-addr.arpa", "ip6.arpa")
ALONE = ("cache", "loop", "reload", "loadbalance", "health")  # plugins of which only the presence is documented
READY_SINCE = (1, 16)
THERE, MISSING = "present", "missing"
ROOT = (".:53", ".")


def dns_service(cluster: ClusterObjects) -> Comparison:
    """ClusterIP and ports of Service kube-dns; further ports are the operator's affair."""
    service = cluster.service("kube-system", "kube-dns")
    subnets = listed("kubeadm-config serviceSubnet", (cluster.networking or {}).get("serviceSubnet"))
    if not subnets:
        raise Inconclusive("kubeadm-config names no serviceSubnet: the address that cluster DNS should have is unknown")
    if subnets[0].num_addresses <= DNS_INDEX:
        raise Inconclusive(f"serviceSubnet {subnets[0]} has no tenth address")
    spec = (service or {}).get("spec") or {}
    cluster.used.append({"object": "services", "service": "kube-system/kube-dns", "spec": spec})
    cluster.items("deployments/kube-system")  # without them nobody knows whether it is CoreDNS
    wanted = PORTS | (METRICS if cluster.inventory.dns == "coredns" else {})
    ports = {port.get("name", ""): f"{port['port']}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or ()}
    found = {"ClusterIP": plain(spec.get("clusterIP", ""))} | {f"port {name}": ports.get(name, MISSING) for name in wanted}
    expected = {"ClusterIP": str(subnets[0][DNS_INDEX])} | {f"port {name}": value for name, value in wanted.items()}
    notes = {"ClusterIP": f"tenth address of serviceSubnet {subnets[0]}"}
    return Comparison("Service kube-system/kube-dns" + ("" if service else ", which does not exist"), found, expected, notes)


def corefile_plugins(cluster: ClusterObjects) -> Comparison:
    """Plugins of the server block for everything on port 53; further blocks and plugins are the operator's affair."""
    blocks = parsed(cluster)
    block = next((block for block in blocks if set(block.keys) & set(ROOT)), None)
    caption = "Corefile of ConfigMap kube-system/coredns"
    if block is None:
        served = ", ".join(" ".join(block.keys) for block in blocks) or "nothing"
        return Comparison(
            caption, {"server block .:53": MISSING}, {"server block .:53": THERE}, {"server block .:53": f"it serves {served}"}
        )
    expected = _expected(cluster)
    return Comparison(f"{caption}, server block {' '.join(block.keys)}", _found(block, expected), expected)


def parsed(cluster: ClusterObjects) -> tuple[corefile.ServerBlock, ...]:
    """The server blocks. Raises Inconclusive when there is no Corefile or it cannot be understood."""
    text = (cluster.body(NAME).get("data") or {}).get("Corefile")
    cluster.used.append({"object": NAME, "Corefile": text})
    if text is None:
        raise Inconclusive("ConfigMap kube-system/coredns has no key Corefile")
    try:
        return corefile.parse(text)
    except ParseError as error:
        raise Inconclusive(f"ConfigMap kube-system/coredns: {error}") from error


def _expected(cluster: ClusterObjects) -> dict[str, object]:
    domain = str((cluster.networking or {}).get("dnsDomain") or "").rstrip(".")
    if not domain:
        raise Inconclusive("kubeadm-config names no dnsDomain: the zone that CoreDNS should serve is unknown")
    alone = ALONE + (("ready",) if _has_ready(cluster) else ())
    return {
        "kubernetes": frozenset({domain, *REVERSE}),
        "kubernetes, pods": ("insecure",),
        "kubernetes, ttl": ("30",),
        "forward": (".", "/etc/resolv.conf"),
        **dict.fromkeys(alone, THERE),
    }


def _found(block: corefile.ServerBlock, expected: Iterable[str]) -> dict[str, object]:
    """The same things of a server block as it is."""
    kubernetes, forward = (block.plugin(name) or corefile.Plugin(name) for name in ("kubernetes", "forward"))
    settings: dict[str, object] = {
        "kubernetes": frozenset(zone.rstrip(".") or "." for zone in kubernetes.args or block.zones if block.plugin("kubernetes")),
        "kubernetes, pods": kubernetes.property("pods") or (),
        "kubernetes, ttl": kubernetes.property("ttl") or (),
        "forward": forward.args,
    }
    return {name: settings[name] if name in settings else THERE if block.plugin(name) else MISSING for name in expected}


def _has_ready(cluster: ClusterObjects) -> bool:
    """kubeadm's Corefile has the plugin `ready` from 1.16 on."""
    version = re.match(r"v?(\d+)\.(\d+)", cluster.inventory.version)
    return version is None or (int(version[1]), int(version[2])) >= READY_SINCE


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "dns_service": dns_service,
    "corefile_plugins": corefile_plugins,
}
