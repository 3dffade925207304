"""A node's own API object and its kubelet's configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.resolver_file import KubeletDns

from .comparison import Comparison
from .networks import plain
from .node_facts import NodeFacts

UP = "FlannelIsUp"
NETWORK_WORDS = re.compile(r"network plugin|\bcni\b|NetworkPluginNotReady|NetworkReady=false|network is not ready", re.IGNORECASE)
LOCAL_CACHE = "node-local-dns"  # DaemonSet of NodeLocal DNSCache
LOCAL_FLAG = "localip"


def ready_condition(node: NodeFacts) -> Comparison:
    """Condition Ready: its status, and whether its message names the network plugin."""
    conditions = {c["type"]: c for c in (node.api.get("status") or {}).get("conditions") or ()}
    found = conditions.get("Ready") or {}
    node.used.append({"object": f"node/{node.node}", "condition": found})
    message = str(found.get("message", ""))
    words = {match[0] for match in NETWORK_WORDS.finditer(f"{found.get('reason', '')} {message}")}
    actual = {"Ready": found.get("status", "not set"), "network trouble in its message": ", ".join(sorted(words)) or "none"}
    expected = {"Ready": "True", "network trouble in its message": "none"}
    return Comparison("condition of the Node object", actual, expected, dict.fromkeys(actual, message or "without a message"))


def network_condition(node: NodeFacts) -> Comparison:
    """Node condition NetworkUnavailable."""
    conditions = {c["type"]: c for c in (node.api.get("status") or {}).get("conditions") or ()}
    found = conditions.get("NetworkUnavailable")
    node.used.append({"object": f"node/{node.node}", "condition": found})
    actual = (found["status"], found.get("reason", "")) if found else ("not set",)
    key, why = "NetworkUnavailable", {"NetworkUnavailable": (found or {}).get("message", "flannel has never set it")}
    return Comparison("condition of the Node object", {key: actual}, {key: ("False", UP)}, why)


def cluster_dns(node: NodeFacts) -> Comparison:
    """kubelet's clusterDNS against the addresses of cluster DNS."""
    try:
        servers = tuple(map(plain, KubeletDns.of(node.recording.object(f"configz/{node.node}") or {}).servers))
    except (KeyError, TypeError) as error:
        raise Inconclusive(f"{node.node}: kubelet's configuration (configz) was not read") from error
    node.used.append({"object": f"configz/{node.node}", "clusterDNS": list(servers)})
    service = _dns_addresses(node)
    local = () if servers and set(servers) <= set(service) else _local_addresses(node)
    known = (*service, *(address for address in local if address not in service))
    right = bool(servers) and set(servers) <= set(known)
    caption = f"kubelet's clusterDNS (configz; Service kube-system/kube-dns has {' '.join(service)})"
    notes = {"clusterDNS": f"DaemonSet {LOCAL_CACHE} listens on {' '.join(local)}"} if local else {}
    return Comparison(caption, {"clusterDNS": servers}, {"clusterDNS": servers if right else known}, notes)


def _dns_addresses(node: NodeFacts) -> tuple[str, ...]:
    services = node.recording.object("services")
    if services is None:
        raise Inconclusive(f"{node.node}: the list of Services was not read: the address of cluster DNS is unknown")
    for service in services.get("items") or ():
        if (service["metadata"].get("namespace"), service["metadata"]["name"]) == ("kube-system", "kube-dns"):
            spec = service.get("spec") or {}
            found = tuple(plain(address) for address in spec.get("clusterIPs") or (spec.get("clusterIP"),) if address and address != "None")
            if found:
                return found
    raise Inconclusive(f"{node.node}: there is no Service kube-system/kube-dns with a ClusterIP: the address of cluster DNS is unknown")


def _local_addresses(node: NodeFacts) -> tuple[str, ...]:
    """Addresses on which NodeLocal DNSCache listens on every node, as its DaemonSet declares them."""
    body = node.recording.object("daemonsets/kube-system")
    if body is None:
        raise Inconclusive(f"{node.node}: the DaemonSets of kube-system were not read: whether a node-local cache is declared is unknown")
    words = [word for item in body.get("items") or () if item["metadata"]["name"] == LOCAL_CACHE for word in _words(item)]
    flags = " ".join(words).replace("=", " ").split()
    values = [flags[i + 1] for i, word in enumerate(flags[:-1]) if word.lstrip("-") == LOCAL_FLAG and word.startswith("-")]
    return tuple(plain(address) for value in values for address in value.split(",") if address)


def _words(daemonset: Mapping[str, Any]) -> list[str]:
    containers = daemonset["spec"]["template"]["spec"]["containers"]
    return [str(word) for container in containers for word in (*(container.get("command") or ()), *(container.get("args") or ()))]


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "ready_condition": ready_condition,
    "network_condition": network_condition,
    "cluster_dns": cluster_dns,
}
