"""The networks of a cluster against each other: podCIDRs, podSubnet, Services, and what the nodes themselves are in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from itertools import chain

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse import kube_proxy
from pytest_k8snet.parse.errors import ParseError
from pytest_k8snet.plan import flannel

from .cluster_objects import Body, ClusterObjects
from .comparison import Comparison
from .networks import Network, addresses, family, holds, listed, networks
from .node_facts import NodeFacts

OWN = "podCIDRs of its own, inside podSubnet, that overlap nothing"
PODS_OWN = ("cni0", "flannel", "veth", "kube-ipvs0")  # devices whose networks are the pods' or the Services', not the host's
PROXY = "configmap/kube-system/kube-proxy"
DETECTOR = "ClusterCIDR"  # kube-proxy's default, and the only one that reads clusterCIDR

Places = dict[str, tuple[Network, ...]]


def pod_cidrs(cluster: ClusterObjects) -> Comparison:
    """What is wrong with each node's podCIDRs."""
    cidrs = {_name(node): networks(f"podCIDR of {_name(node)}", flannel.pod_cidrs(node)) for node in cluster.items("nodes")}
    subnets = listed("kubeadm-config podSubnet", (cluster.networking or {}).get("podSubnet"))
    others = _services(cluster) | _addresses(cluster) | _host_networks(cluster)
    found = {name: _wrong(name, cidrs, subnets, others) or OWN for name in cluster.linux_nodes}
    told = f"podSubnet {' '.join(map(str, subnets))}" if subnets else "kubeadm names no podSubnet"
    cluster.used.append({"object": "nodes", "podCIDRs": {name: list(map(str, own)) for name, own in cidrs.items()}})
    return Comparison(f"podCIDRs of the nodes ({told}; compared with {', '.join(others)})", found, dict.fromkeys(found, OWN))


def cluster_cidr(cluster: ClusterObjects) -> Comparison:
    """kube-proxy's clusterCIDR, by family, against kubeadm's podSubnet."""
    config = _proxy_config(cluster)
    mode = str(config.get("detectLocalMode") or DETECTOR)
    if mode.lower() != DETECTOR.lower():
        raise NotApplicable(f"kube-proxy tells local traffic by detectLocalMode {mode}, which does not read clusterCIDR")
    found = _by_family(listed("kube-proxy's clusterCIDR", config.get("clusterCIDR")))
    expected = _by_family(listed("kubeadm-config podSubnet", (cluster.networking or {}).get("podSubnet")))
    cluster.used.append({"object": PROXY, "clusterCIDR": config.get("clusterCIDR"), "detectLocalMode": config.get("detectLocalMode")})
    if not found and not expected:
        raise NotApplicable("neither kube-proxy's clusterCIDR nor kubeadm's podSubnet is set: kube-proxy does not tell local traffic by it")
    notes = dict.fromkeys([*found, *expected], "podSubnet of ConfigMap kube-system/kubeadm-config")
    return Comparison("clusterCIDR in config.conf of ConfigMap kube-system/kube-proxy", found, expected, notes)


def _wrong(name: str, cidrs: Places, subnets: tuple[Network, ...], others: Places) -> str:
    """In words what is wrong with a node's podCIDRs, "" if nothing is."""
    own = cidrs[name]
    foreign = {f"podCIDR of {other}": theirs for other, theirs in cidrs.items() if other != name} | others
    outside = [f"{cidr} outside podSubnet" for cidr in own if subnets and not any(holds(subnet, cidr) for subnet in subnets)]
    over = [f"{cidr} overlaps {other} ({what})" for cidr in own for what, theirs in foreign.items() for other in _meeting(cidr, theirs)]
    return "; ".join([*outside, *dict.fromkeys(over)]) if own else "no podCIDR"


def _meeting(cidr: Network, theirs: tuple[Network, ...]) -> Iterator[Network]:
    return (other for other in theirs if other.version == cidr.version and (holds(cidr, other) or holds(other, cidr)))


def _services(cluster: ClusterObjects) -> Places:
    """kubeadm's serviceSubnet and every ClusterIP: the range of Services need not be the one that kubeadm set."""
    specs = (service.get("spec") or {} for service in cluster.items("services"))
    ips = chain.from_iterable(spec.get("clusterIPs") or (spec.get("clusterIP") or "",) for spec in specs)
    subnet = listed("kubeadm-config serviceSubnet", (cluster.networking or {}).get("serviceSubnet"))
    return {"serviceSubnet": subnet, "ClusterIPs": tuple(map(ip_network, addresses(ips)))}


def _addresses(cluster: ClusterObjects) -> Places:
    """Every node's addresses as the API lists them."""
    texts = (entry["address"] for node in cluster.items("nodes") for entry in (node.get("status") or {}).get("addresses") or ())
    return {"addresses of the nodes": tuple(map(ip_network, addresses(texts)))}


def _host_networks(cluster: ClusterObjects) -> Places:
    """Networks that the nodes' own devices are in, where a run read them: it does so in the privileged tier only."""
    read = {fact["node"] for fact in cluster.recording.entries("facts", name="addresses")}
    found: list[str] = []
    for name in cluster.inventory.names if read else ():
        node = NodeFacts(cluster.recording, cluster.inventory, name)
        try:
            found += (f"{a.address}/{a.prefix}" for a in node.addresses if not a.dev.startswith(PODS_OWN) and a.scope != "link")
        finally:
            cluster.used += node.used
    return {"networks of the nodes' devices": tuple(dict.fromkeys(networks("addresses of the nodes", found)))} if read else {}


def _proxy_config(cluster: ClusterObjects) -> Body:
    text = (cluster.body(PROXY).get("data") or {}).get("config.conf")
    if text is None:
        raise Inconclusive("ConfigMap kube-system/kube-proxy has no key config.conf")
    try:
        return kube_proxy.config(text)
    except ParseError as error:
        raise Inconclusive(f"kube-proxy's config.conf cannot be understood: {error}") from error


def _by_family(found: tuple[Network, ...]) -> dict[str, str]:
    return {kind: " ".join(str(network) for network in found if family(network) == kind) for kind in sorted(set(map(family, found)))}


def _name(node: Body) -> str:
    return str(node["metadata"]["name"])


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "pod_cidrs": pod_cidrs,
    "cluster_cidr": cluster_cidr,
}
