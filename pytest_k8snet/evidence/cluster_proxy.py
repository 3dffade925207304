"""kube-proxy as its API objects show it."""

from __future__ import annotations

from collections.abc import Callable

from .cluster_objects import ClusterObjects
from .cluster_pods import one_per_node
from .comparison import Comparison


def proxy_pods(cluster: ClusterObjects) -> Comparison:
    """State of the kube-proxy pod on every Linux node, and the DaemonSet's own counts."""
    pods = one_per_node(cluster, "DaemonSet and pods kube-system/kube-proxy", cluster.pods("kube-system", "k8s-app", "kube-proxy"))
    daemonset = cluster.named("daemonsets/kube-system", "kube-proxy")
    status = (daemonset or {}).get("status") or {}
    counts = {f"DaemonSet {word}": status.get(key, 0) for word, key in (("desired", "desiredNumberScheduled"), ("ready", "numberReady"))}
    wanted = dict.fromkeys(counts, len(cluster.linux_nodes))
    cluster.used.append({"object": "daemonsets/kube-system", "name": "kube-proxy", "status": status})
    return Comparison(pods.caption, {**pods.actual, **counts}, {**pods.expected, **wanted}, pods.notes)


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "proxy_pods": proxy_pods,
}
