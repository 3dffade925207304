"""flannel as its API objects show it: pods, configuration, and what the nodes announce."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, ip_network

from pytest_k8snet.plan import flannel

from .cluster_objects import Body, ClusterObjects
from .cluster_pods import one_per_node
from .comparison import Comparison

INSIDE, OUTSIDE = "podCIDR inside Network", "podCIDR outside Network"


def flannel_pods(cluster: ClusterObjects) -> Comparison:
    """State of the flannel pod on every Linux node."""
    namespace = flannel.config_object(cluster.recording)[0].partition("/")[0]
    return one_per_node(cluster, f"flannel pods (namespace {namespace}, label app=flannel)", cluster.pods(namespace, "app", "flannel"))


def pod_network(cluster: ClusterObjects) -> Comparison:
    """Whether net-conf.json's Network holds each node's podCIDR."""
    config, _ = flannel.config_object(cluster.recording)
    network = flannel.net_conf(cluster.recording).network
    nodes = {node["metadata"]["name"]: node for node in cluster.items("nodes") if flannel.pod_cidrs(node)}
    notes = {name: f"podCIDR {' '.join(flannel.pod_cidrs(node))}" for name, node in nodes.items()}
    found = {name: _held(node, network) for name, node in nodes.items()}
    caption = f"ConfigMap {config} net-conf.json Network {network or 'missing'}"
    if cluster.inventory.pod_subnet:
        caption += f" (kubeadm-config podSubnet {cluster.inventory.pod_subnet})"
    cluster.used.append({"object": f"configmap/{config}", "Network": str(network)})
    return Comparison(caption, found, dict.fromkeys(found, INSIDE), notes)


def _held(node: Body, network: IPv4Network | None) -> str:
    cidrs = [ip_network(cidr) for cidr in flannel.pod_cidrs(node)]
    own = [cidr for cidr in cidrs if isinstance(cidr, IPv4Network)]
    return INSIDE if network and all(cidr.subnet_of(network) for cidr in own) else OUTSIDE


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "flannel_pods": flannel_pods,
    "pod_network": pod_network,
}
