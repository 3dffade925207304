"""flannel as its API objects show it: pods, configuration, and what the nodes announce."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, ip_network

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import cni
from pytest_k8snet.parse.errors import ParseError
from pytest_k8snet.plan import flannel

from .cluster_objects import Body, ClusterObjects
from .cluster_pods import one_per_node
from .comparison import Comparison

INSIDE, OUTSIDE = "podCIDR inside Network", "podCIDR outside Network"
CNI_KEY = "cni-conf.json"
PLUGINS = ("flannel", "portmap")
THERE, MISSING = "set", "missing"


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


def cni_settings(cluster: ClusterObjects) -> Comparison:
    """What the plugins in key cni-conf.json are told, as far as flannel's manifest says it."""
    name, data = flannel.config_object(cluster.recording)
    if CNI_KEY not in data:
        raise Inconclusive(f"ConfigMap {name} has no key {CNI_KEY}")
    cluster.used.append({"object": f"configmap/{name}", CNI_KEY: data[CNI_KEY]})
    try:
        conf = cni.parse(data[CNI_KEY])
    except ParseError as error:
        raise Inconclusive(f"ConfigMap {name}, key {CNI_KEY}: {error}") from error
    delegate, portmap = (conf.plugin("flannel") or {}).get("delegate") or {}, conf.plugin("portmap") or {}
    found: dict[str, object] = {
        "plugins": tuple(kind for kind in conf.types if kind in PLUGINS),
        **{f"flannel, {key}": delegate.get(key, MISSING) for key in ("hairpinMode", "isDefaultGateway")},
        "portmap, portMappings": (portmap.get("capabilities") or {}).get("portMappings", MISSING),
        "cniVersion": THERE if conf.version or not _has_version(cluster) else MISSING,
    }
    expected = {**dict.fromkeys(found, True), "plugins": PLUGINS, "cniVersion": THERE}
    return Comparison(f"key {CNI_KEY} of ConfigMap {name}", found, expected)


def _has_version(cluster: ClusterObjects) -> bool:
    """flannel's manifests set cniVersion from 0.12 on."""
    numbers = [int(part) for part in cluster.inventory.flannel_version.split(".") if part.isdigit()]
    return not numbers or numbers[:2] >= [0, 12]


def _held(node: Body, network: IPv4Network | None) -> str:
    cidrs = [ip_network(cidr) for cidr in flannel.pod_cidrs(node)]
    own = [cidr for cidr in cidrs if isinstance(cidr, IPv4Network)]
    return INSIDE if network and all(cidr.subnet_of(network) for cidr in own) else OUTSIDE


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "flannel_pods": flannel_pods,
    "pod_network": pod_network,
    "cni_settings": cni_settings,
}
