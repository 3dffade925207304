"""flannel, kube-proxy and CoreDNS: set up as a user would, changed only through their ConfigMaps."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import yaml

from lab import addresses, nft
from lab.addresses import CONTROL, Node
from lab.cluster import Cluster, pods_ready
from lab.flavour import Flavour

FLANNEL = "/api/v1/namespaces/kube-flannel"
SYSTEM = "/api/v1/namespaces/kube-system"
COREDNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
REPLICAS = 2
BACKENDS = {"vxlan-direct": {"Type": "vxlan", "DirectRouting": True}}


def flannel_manifest(text: str, flavour: Flavour) -> str:
    """flannel's own manifest: byte for byte for the default flavour, else with another net-conf.json."""
    if (flavour.flannel_backend, flavour.flannel_nftables, flavour.families) == ("vxlan", False, "ipv4"):
        return text
    documents = [one for one in yaml.safe_load_all(text) if one]
    for one in documents:
        if one["kind"] == "ConfigMap":
            one["data"]["net-conf.json"] = net_conf(one["data"]["net-conf.json"], flavour)
        if one["kind"] == "DaemonSet":
            one["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = needs_tun(flavour)
    return yaml.safe_dump_all(documents, sort_keys=False)


def needs_tun(flavour: Flavour) -> bool:
    """True if flanneld opens /dev/net/tun: a container without privileges has no such device."""
    return flavour.flannel_backend == "udp"


def net_conf(text: str, flavour: Flavour) -> str:
    """flannel's network configuration with this flavour's backend, rule kind and families."""
    values = json.loads(text)
    values["EnableNFTables"] = flavour.flannel_nftables
    values["Backend"] = BACKENDS.get(flavour.flannel_backend, {"Type": flavour.flannel_backend})
    if flavour.families != "ipv4":
        values |= {"EnableIPv4": flavour.families == "dual", "EnableIPv6": True, "IPv6Network": str(addresses.PODS6)}
    return json.dumps(values, indent=2) + "\n"


def apply_flannel(cluster: Cluster, manifest: Path) -> None:
    """Apply the manifest."""
    text = flannel_manifest(manifest.read_text(), cluster.lab.flavour)
    cluster.kubectl(["apply", "-f", "-"], "applying flannel's manifest", text)


def scale_coredns(cluster: Cluster, replicas: int) -> None:
    """Set the number of CoreDNS replicas."""
    cluster.api.merge(f"{COREDNS}/scale", {"spec": {"replicas": replicas}})


def start_coredns(cluster: Cluster) -> None:
    """Start the replicas on the workers: the control-plane node takes none while they are placed."""
    own = f"/api/v1/nodes/{CONTROL.name}"
    cluster.api.merge(own, {"spec": {"unschedulable": True}})
    try:
        scale_coredns(cluster, REPLICAS)
        cluster.wait(lambda: _placed(cluster), "CoreDNS's pods are placed on nodes", "kube-scheduler", 60)
    finally:
        cluster.api.merge(own, {"spec": {"unschedulable": None}})


def place_coredns(cluster: Cluster) -> None:
    """Start the replicas anew if one is on the control-plane node."""
    if any(pod["spec"].get("nodeName") == CONTROL.name for pod in cluster.pods("k8s-app=kube-dns")):
        scale_coredns(cluster, 0)
        cluster.wait(lambda: not cluster.pods("k8s-app=kube-dns"), "CoreDNS's old pods end", "kubelet", 60)
        start_coredns(cluster)


def _placed(cluster: Cluster) -> bool:
    pods = cluster.pods("k8s-app=kube-dns")
    return len(pods) == REPLICAS and all(pod["spec"].get("nodeName") for pod in pods)


def wait_dns(cluster: Cluster) -> None:
    """Wait until every node gets answers from the DNS Service, for a cluster name and for a name outside."""
    for one in cluster.nodes:
        for name in ("kubernetes.default.svc.cluster.local.", "www.example.test."):
            cluster.wait(partial(cluster.resolves, one, name), f"CoreDNS answers {one.name} for {name}", "coredns")


def wait_subnets(cluster: Cluster, nodes: list[Node]) -> None:
    """Wait until flannel has written subnet.env on the nodes: a pod sandbox made before fails and is retried late."""
    for one in nodes:
        file = cluster.where.disk(one.name) / "flannel/subnet.env"
        cluster.wait(file.exists, f"flannel of {one.name} has its subnet", "kube-flannel")


def wait_proxies(cluster: Cluster, nodes: list[Node]) -> None:
    """Wait for kube-proxy's rules and take away the stand-in for the API's Service."""
    for one in nodes:
        cluster.wait(partial(cluster.proxy_synced, one), f"kube-proxy of {one.name} has written its rules", "kube-proxy")
        nft.remove_guard(Path(cluster.lab.base), cluster.holder(one).pid, cluster.lab.flavour.families)


def wait_ready(cluster: Cluster, space: str, selector: str, number: int, component: str) -> None:
    """Wait until this many pods are there and Ready."""
    what = f"{number} pod{'s' * (number != 1)} of {component} ready"
    cluster.wait(lambda: pods_ready(cluster.pods(selector, space), number), what, component)


def wait_all_ready(cluster: Cluster) -> None:
    """Wait until every pod of flannel, kube-proxy and CoreDNS is Ready."""
    number = len(cluster.nodes)
    if cluster.lab.flavour.cni == "flannel":
        wait_ready(cluster, "kube-flannel", "app=flannel", number, "kube-flannel")
    wait_ready(cluster, "kube-system", "k8s-app=kube-proxy", number, "kube-proxy")
    wait_ready(cluster, "kube-system", "k8s-app=kube-dns", REPLICAS, "coredns")
