"""Addresses of pods and nodes across all namespaces: unique, and of every family that the cluster has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan import flannel

from .cluster_objects import Body, ClusterObjects
from .comparison import Comparison
from .networks import addresses, family, listed, networks, plain

PODS = "pods"  # of all namespaces
ONE = "one pod"


def pod_addresses(cluster: ClusterObjects) -> Comparison:
    """Address -> who has it, among running pods of the pod network.

    A pod that is being deleted keeps its address in its status for a moment after the node has given it away.
    """
    holders = _holders(running(cluster))
    staying = {address: frozenset(name for name, leaving in found.items() if not leaving) for address, found in holders.items()}
    shared = {address: names for address, names in staying.items() if len(names) > 1}
    doubtful = {address: frozenset(found) for address, found in holders.items() if len(found) > 1 and address not in shared}
    cluster.used.append(
        {"object": PODS, "addresses": len(holders), "shared": {address: sorted(names) for address, names in shared.items()}}
    )
    if doubtful and not shared:
        address, names = min(doubtful.items())
        raise Inconclusive(f"{address} is the address of {', '.join(sorted(names))}, of which one is just being deleted: judge again")
    actual: dict[str, str | frozenset[str]] = dict.fromkeys(holders, ONE)
    return Comparison("addresses of running pods on the pod network, all namespaces", actual | shared, dict.fromkeys(holders, ONE))


def both_families(cluster: ClusterObjects) -> Comparison:
    """Families of every node's podCIDRs and of every running pod's podIPs, in order; and podIP is the first of podIPs."""
    nodes = {f"node {node['metadata']['name']} podCIDRs": flannel.pod_cidrs(node) for node in cluster.items("nodes")}
    pods = {_name(pod): pod for pod in running(cluster) if not pod["metadata"].get("deletionTimestamp")}
    found = {key: tuple(map(family, networks(key, cidrs))) for key, cidrs in nodes.items()}
    order = _order(cluster, found.values())
    found |= {f"pod {name} podIPs": tuple(map(family, addresses(pod_ips(pod)))) for name, pod in pods.items()}
    expected = dict.fromkeys(found, order)
    notes = {key: " ".join(cidrs) for key, cidrs in nodes.items()} | {f"pod {n} podIPs": " ".join(pod_ips(p)) for n, p in pods.items()}
    for name, pod in pods.items():
        key = f"pod {name} podIP"
        found[key], expected[key] = (plain(str(pod["status"].get("podIP", ""))),), (plain(pod_ips(pod)[0]),)
        notes[key] = "the first of podIPs"
    cluster.used.append(
        {"object": PODS, "order": list(order), "podCIDRs": {key: list(cidrs) for key, cidrs in nodes.items()}, "pods": len(pods)}
    )
    return Comparison("families of podCIDRs and podIPs", found, expected, notes)


def running(cluster: ClusterObjects) -> list[Body]:
    """Running pods of all namespaces that are on the pod network and have an address."""
    found = [pod for pod in cluster.items(PODS) if not (pod.get("spec") or {}).get("hostNetwork")]
    return [pod for pod in found if (pod.get("status") or {}).get("phase") == "Running" and pod_ips(pod)]


def pod_ips(pod: Body) -> tuple[str, ...]:
    """podIPs of a pod, the older single field included."""
    status = pod.get("status") or {}
    several = tuple(str(entry["ip"]) for entry in status.get("podIPs") or () if entry.get("ip"))
    return several or ((str(status["podIP"]),) if status.get("podIP") else ())


def _holders(pods: Iterable[Body]) -> Mapping[str, Mapping[str, bool]]:
    """Address -> pod -> whether that pod is being deleted."""
    found: dict[str, dict[str, bool]] = {}
    for pod in pods:
        for address in pod_ips(pod):
            found.setdefault(plain(address), {})[f"{_name(pod)} on {pod['spec'].get('nodeName', 'no node')}"] = bool(
                pod["metadata"].get("deletionTimestamp")
            )
    return found


def _name(pod: Body) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"


def _order(cluster: ClusterObjects, found: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The families in the cluster's order: that of kubeadm's podSubnet, or of most nodes where kubeadm did not make the cluster."""
    told = tuple(map(family, listed("kubeadm-config podSubnet", (cluster.networking or {}).get("podSubnet"))))
    complete = Counter(order for order in (told, *found) if len(set(order)) > 1)
    if not complete:
        raise Inconclusive("neither kubeadm-config nor any node tells in which order the cluster has its families")
    return told if told in complete else complete.most_common(1)[0][0]


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "pod_addresses": pod_addresses,
    "both_families": both_families,
}
