"""Pods of a DaemonSet: one on every Linux node, running and ready."""

from __future__ import annotations

from .cluster_objects import HEALTHY, Body, ClusterObjects
from .comparison import Comparison


def one_per_node(cluster: ClusterObjects, caption: str, pods: list[Body]) -> Comparison:
    """State of the pod on each Linux node, the worst of several."""
    states: dict[str, str] = {}
    names: dict[str, str] = {}
    for pod in pods:
        node, state = (pod.get("spec") or {}).get("nodeName", ""), cluster.state(pod)
        if node in cluster.linux_nodes and states.get(node, HEALTHY) == HEALTHY:
            states[node], names[node] = state, f"pod {pod['metadata']['name']}"
    return Comparison(caption, states, dict.fromkeys(cluster.linux_nodes, HEALTHY), names)
