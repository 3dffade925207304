"""kube-proxy as its API objects show it."""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_k8snet.model.verdict import Inconclusive

from .cluster_objects import ClusterObjects
from .cluster_pods import one_per_node
from .comparison import Comparison

Minor = tuple[int, int]
OLDER, LONGER_SINCE = 3, (1, 25)  # minor versions that kube-proxy may be older; one less before 1.25
FITS = "a version that fits the API server"


def proxy_pods(cluster: ClusterObjects) -> Comparison:
    """State of the kube-proxy pod on every Linux node, and the DaemonSet's own counts."""
    pods = one_per_node(cluster, "DaemonSet and pods kube-system/kube-proxy", cluster.pods("kube-system", "k8s-app", "kube-proxy"))
    daemonset = cluster.named("daemonsets/kube-system", "kube-proxy")
    status = (daemonset or {}).get("status") or {}
    counts = {f"DaemonSet {word}": status.get(key, 0) for word, key in (("desired", "desiredNumberScheduled"), ("ready", "numberReady"))}
    wanted = dict.fromkeys(counts, len(cluster.linux_nodes))
    cluster.used.append({"object": "daemonsets/kube-system", "name": "kube-proxy", "status": status})
    return Comparison(pods.caption, {**pods.actual, **counts}, {**pods.expected, **wanted}, pods.notes)


def proxy_versions(cluster: ClusterObjects) -> Comparison:
    """Whether each kube-proxy may work with the API server, by their minor versions."""
    server = _minor(cluster.inventory.version)
    if server is None:
        raise Inconclusive(f"the API server's version {cluster.inventory.version!r} is no version")
    pods = {str(pod["metadata"]["name"]): pod for pod in cluster.pods("kube-system", "k8s-app", "kube-proxy")}
    images = {
        name: next((c["image"] for c in pod["spec"].get("containers") or () if "kube-proxy" in c["name"]), "") for name, pod in pods.items()
    }
    versions = {name: _minor(image.partition("@")[0].rpartition(":")[2]) for name, image in images.items()}
    odd = {name: _skew(version, server) for name, version in versions.items() if version and _skew(version, server)}
    unknown = [f"{name}: {images[name]}" for name, version in versions.items() if version is None]
    if unknown and not odd:
        raise Inconclusive(f"the image of kube-proxy does not tell its version: {', '.join(unknown)}")
    found = {name: odd.get(name, FITS) for name, version in versions.items() if version}
    notes = {name: f"image {images[name]} on {pods[name]['spec'].get('nodeName', 'no node')}" for name in found}
    caption = f"versions of the kube-proxy pods (API server {cluster.inventory.version})"
    return Comparison(caption, found, dict.fromkeys(found, FITS), notes)


def _minor(text: str) -> Minor | None:
    """(1, 36) of "v1.36.4"."""
    match = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _skew(proxy: Minor, server: Minor) -> str:
    """In words what is wrong with these two together, "" if nothing is (Kubernetes version skew policy)."""
    spelled = f"{proxy[0]}.{proxy[1]}"
    if proxy > server:
        return f"{spelled}, newer than the API server"
    allowed = OLDER if proxy >= LONGER_SINCE else OLDER - 1
    behind = server[1] - proxy[1]
    if proxy[0] != server[0] or behind > allowed:
        return f"{spelled}, more than {allowed} minor versions older than the API server"
    return ""


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "proxy_pods": proxy_pods,
    "proxy_versions": proxy_versions,
}
