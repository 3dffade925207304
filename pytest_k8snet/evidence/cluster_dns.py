"""Cluster DNS as its API objects and its logs show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product

from .cluster_objects import Body, ClusterObjects, moment, ready
from .comparison import Comparison

DNS_REPLICAS = 2  # kubeadm's CoreDNSDeployment
FLOOD = 20  # lines about upstream timeouts in the last 200 that make a flood
LOOP = "plugin/loop: Loop"
TIMEOUT = "i/o timeout"
QUIET = "no loop, no flood of upstream timeouts"


def dns_replicas(cluster: ClusterObjects) -> Comparison:
    """Ready replicas of CoreDNS."""
    deployment = cluster.named("deployments/kube-system", "coredns") or {}
    status = deployment.get("status") or {}
    count = int(status.get("readyReplicas") or 0)
    cluster.used.append({"object": "deployments/kube-system", "name": "coredns", "status": status})
    where = "; ".join(f"{p['metadata']['name']} on {p['spec'].get('nodeName', 'no node')}: {cluster.state(p)}" for p in _dns_pods(cluster))
    caption = f"Deployment kube-system/coredns (spec.replicas {(deployment.get('spec') or {}).get('replicas', 'missing')})"
    return Comparison(caption, {"ready replicas": min(count, DNS_REPLICAS)}, {"ready replicas": DNS_REPLICAS}, {"ready replicas": where})


def dns_endpoints(cluster: ClusterObjects) -> Comparison:
    """Ready addresses that the EndpointSlices of kube-dns list for port 53, by protocol and family, against the ready DNS pods."""
    pods = [pod for pod in _dns_pods(cluster) if ready(pod)]
    addresses = frozenset(entry["ip"] for pod in pods for entry in pod["status"].get("podIPs") or ())
    pieces = cluster.slices("kube-system", "kube-dns")
    cluster.used += [{"object": "endpointslices", "slice": piece} for piece in pieces]
    service = (cluster.service("kube-system", "kube-dns") or {}).get("spec") or {}
    names, families = _names_of_port_53(service), _families(service, pieces)
    found: dict[str, frozenset[str]] = {}
    wanted: dict[str, frozenset[str]] = {}
    for protocol, family in product(names, families):
        key = protocol if len(families) == 1 else f"{protocol} {family}"
        found[key] = _of(family, _listed(pieces, protocol, names[protocol]))
        wanted[key] = _of(family, addresses) or frozenset({"at least one ready DNS pod"})
    return Comparison("EndpointSlices of Service kube-system/kube-dns, port 53", found, wanted)


def dns_logs(cluster: ClusterObjects) -> Comparison:
    """Loops, crashes and floods of upstream timeouts of the CoreDNS pods."""
    pods = {pod["metadata"]["name"]: pod for pod in _dns_pods(cluster)}
    found = {name: _dns_health(cluster, pod) for name, pod in pods.items()}
    where = {name: f"on {pod['spec'].get('nodeName', 'no node')}" for name, pod in pods.items()}
    if not pods:
        found = {"CoreDNS pods": "none"}
    return Comparison("CoreDNS pods and their last 200 log lines", found, dict.fromkeys(found, QUIET), where)


def _dns_pods(cluster: ClusterObjects) -> list[Body]:
    return cluster.pods("kube-system", "k8s-app", "kube-dns")


def _names_of_port_53(service: Body) -> dict[str, frozenset[str]]:
    """Protocol -> names of the Service's ports 53: a slice says by name which port it is, the number is the pods' own."""
    ports = [port for port in service.get("ports") or () if port["port"] == 53]
    return {p: frozenset(port.get("name") or "" for port in ports if port.get("protocol", "TCP") == p) for p in ("UDP", "TCP")}


def _families(service: Body, pieces: list[Body]) -> tuple[str, ...]:
    """ "IPv4" and "IPv6", as the Service or its slices have them: pods may have addresses of a family that neither has."""
    known = {*(service.get("ipFamilies") or ()), *(piece.get("addressType") for piece in pieces)}
    return tuple(family for family in ("IPv4", "IPv6") if family in known) or ("IPv4",)


def _of(family: str, addresses: frozenset[str]) -> frozenset[str]:
    return frozenset(address for address in addresses if (":" in address) is (family == "IPv6"))


def _listed(pieces: list[Body], protocol: str, names: frozenset[str]) -> frozenset[str]:
    """Ready addresses for a port; those that the slice lists but that are not ready are not usable."""
    serving = [piece for piece in pieces if any(_is_port(port, protocol, names) for port in piece.get("ports") or ())]
    endpoints = [e for piece in serving for e in piece.get("endpoints") or () if (e.get("conditions") or {}).get("ready") is not False]
    return frozenset(address for endpoint in endpoints for address in endpoint["addresses"])


def _is_port(port: Body, protocol: str, names: frozenset[str]) -> bool:
    return port.get("protocol", "TCP") == protocol and (port.get("name") or "") in names


def _dns_health(cluster: ClusterObjects, pod: Body) -> str:
    name, containers = pod["metadata"]["name"], (pod.get("status") or {}).get("containerStatuses") or ()
    waiting = [((c.get("state") or {}).get("waiting") or {}).get("reason", "") for c in containers]
    loops = [line for log in _logs(cluster, pod) for line in log.splitlines() if LOOP in line]
    if loops:
        return f"a forwarding loop: {loops[-1].strip()}"
    if "CrashLoopBackOff" in waiting:
        return f"CrashLoopBackOff (restarts: {sum(c.get('restartCount', 0) for c in containers)})"
    if crash := next(filter(None, map(cluster.crash, containers)), ""):
        return crash
    lines = Counter(TIMEOUT in line for line in str(cluster.body(f"log/kube-system/{name}")).splitlines())
    return f"{lines[True]} upstream timeouts in the last {lines.total()} log lines" if lines[True] >= FLOOD else QUIET


def _logs(cluster: ClusterObjects, pod: Body) -> list[str]:
    """The log of the running container, and of the one before if that ended recently."""
    name = f"log/kube-system/{pod['metadata']['name']}"
    ends = [(c.get("lastState") or {}).get("terminated") or {} for c in (pod.get("status") or {}).get("containerStatuses") or ()]
    old = [moment(end.get("finishedAt")) for end in ends if end]
    recent = any(ended is None or cluster.now is None or (cluster.now - ended).total_seconds() < 900 for ended in old)
    texts = [cluster.recording.object(name)] + ([cluster.recording.object(f"{name}/previous")] if recent else [])
    cluster.used += [{"object": name, "log": str(text)[-2000:]} for text in texts if text]
    return [str(text) for text in texts if text]


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "dns_replicas": dns_replicas,
    "dns_endpoints": dns_endpoints,
    "dns_logs": dns_logs,
}
