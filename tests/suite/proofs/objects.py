"""The API's objects: addresses, networks, versions, settings and what nodes announce."""

from __future__ import annotations

import json
from typing import Any

from spoiling import Evidence

from .nodes import NET_CONF, PROXY
from .proof import FAILED, WARNING, Edit, Proof

MARK = "flannel.alpha.coreos.com/"


def text_of(name: str, key: str, old: str, new: str) -> Edit:
    """A part of a ConfigMap's text reads differently."""

    def change(body: Any) -> None:
        assert old in body["data"][key], f"{old!r} is not in {key} of {name}"
        body["data"][key] = body["data"][key].replace(old, new)

    return lambda evidence: evidence.object(name, change)


def mark(node: str, name: str, value: str | None) -> Edit:
    """A flannel annotation of a node reads differently; None removes it."""

    def change(item: Any) -> None:
        item["metadata"]["annotations"].pop(f"{MARK}{name}")
        item["metadata"]["annotations"].update({f"{MARK}{name}": value} if value else {})

    return lambda evidence: evidence.item("nodes", node, change)


def _same_address(evidence: Evidence) -> None:
    """CoreDNS on w1 gets the address of probe pod b on w2."""
    address = evidence.ip("pod/b@w2")

    def change(item: Any) -> None:
        item["status"].update(podIP=address, podIPs=[{"ip": address}])

    def edit(body: Any) -> None:
        one = next(pod for pod in body["items"] if pod["metadata"]["name"].startswith("coredns"))
        change(one)

    evidence.object("pods", edit)


def _another_status(evidence: Evidence) -> None:
    """Probe pods are in the last list only."""
    pods = evidence.recording.object("pods")["items"]
    (pod,) = (p for p in pods if p["metadata"]["name"].startswith("b-") and p["spec"]["nodeName"] == evidence.long("w1"))
    pod["status"].update(podIP=evidence.filled("{250 w1}"), podIPs=[{"ip": evidence.filled("{250 w1}")}])


def _image(pod: Any) -> None:
    pod["spec"]["containers"][0]["image"] = "registry.k8s.io/kube-proxy:v1.99.1"


def _dns_address(item: Any) -> None:
    item["spec"]["ports"] = [port for port in item["spec"]["ports"] if port["name"] != "metrics"]


def _kubelet(body: Any) -> None:
    body["kubeletconfig"]["clusterDNS"] = ["10.96.0.10", "8.8.8.8"]


def _no_hairpin(body: Any) -> None:
    conf = json.loads(body["data"]["cni-conf.json"])
    conf["plugins"][0]["delegate"]["hairpinMode"] = False
    body["data"]["cni-conf.json"] = json.dumps(conf)


def _network_message(node: Any) -> None:
    for condition in node["status"]["conditions"]:
        if condition["type"] == "Ready":
            condition["message"] = "Network plugin returns error: cni plugin not initialized"


def _over_pods(evidence: Evidence) -> None:
    address = {"type": "ExternalIP", "address": evidence.filled("{9 w2}")}
    evidence.item("nodes", "w1", lambda node: node["status"]["addresses"].append(address))


PROOFS = (
    Proof(
        "NET-REACH-016",
        "two pods have the same address",
        _same_address,
        red=("cluster",),
        text=(
            "addresses of running pods on the pod network, all namespaces",
            "{pod/b@w2}: expected one pod, found",
            "kube-system/coredns-",
            "/b-2-w2 on w2",
        ),
    ),
    Proof(
        "NET-REACH-017",
        "the status tells another address than the interface has",
        _another_status,
        red=("w1",),
        text=(
            "addresses of the probe pods in their status (API object) and on their interface",
            "pod/b@w1 podIPs: expected {pod/b@w1}, found {250 w1} (global addresses of eth0 in the pod)",
        ),
    ),
    Proof(
        "NET-PROXY-005",
        "clusterCIDR is wider than podSubnet",
        text_of("configmap/kube-system/kube-proxy", "config.conf", "clusterCIDR: 10.244.0.0/16", "clusterCIDR: 10.0.0.0/8"),
        red=("cluster",),
        text=(
            "clusterCIDR in config.conf of ConfigMap kube-system/kube-proxy",
            "IPv4: expected 10.244.0.0/16, found 10.0.0.0/8 (podSubnet of ConfigMap kube-system/kubeadm-config)",
        ),
    ),
    Proof(
        "NET-PROXY-006",
        "one kube-proxy is newer than the API server",
        lambda evidence: evidence.pod_on("pods/kube-system", PROXY, "w1", _image),
        red=("cluster",),
        status=WARNING,
        text=("versions of the kube-proxy pods (API server v1.36.4)", "found 1.99, newer than the API server", "kube-proxy:v1.99.1 on w1"),
    ),
    Proof(
        "NET-DNS-002",
        "the DNS Service has no port for metrics",
        lambda evidence: evidence.item("services", "kube-dns", _dns_address),
        red=("cluster",),
        text=("Service kube-system/kube-dns", "port metrics: expected 9153/TCP, found missing"),
    ),
    Proof(
        "NET-DNS-004",
        "one kubelet tells a second server",
        lambda evidence: evidence.object("configz/w1", _kubelet),
        red=("w1",),
        text=(
            "kubelet's clusterDNS (configz; Service kube-system/kube-dns has 10.96.0.10)",
            "expected 10.96.0.10, found 10.96.0.10 8.8.8.8",
        ),
        also={"NET-DNS-006 pod/a@w1": FAILED, "NET-DNS-008 pod/hostdns@w1": FAILED, "NET-DNS-008 pod/b@w1": FAILED},
    ),
    Proof(
        "NET-DNS-005",
        "CoreDNS serves another domain",
        text_of("configmap/kube-system/coredns", "Corefile", "kubernetes cluster.local", "kubernetes corp.test"),
        red=("pod/a@control", "pod/a@w1", "pod/a@w2"),
        text=("domain of the cluster", "kubernetes zone of the Corefile: expected cluster.local, found corp.test"),
        also={"NET-DNS-016 cluster": WARNING},
    ),
    Proof(
        "NET-DNS-016",
        "CoreDNS does not look for loops",
        text_of("configmap/kube-system/coredns", "Corefile", "    loop\n", ""),
        red=("cluster",),
        status=WARNING,
        text=("Corefile of ConfigMap kube-system/coredns, server block .:53", "loop: expected present, found missing"),
    ),
    Proof(
        "NET-FLANNEL-003",
        "an address of one node lies in the podCIDR of another",
        _over_pods,
        red=("cluster",),
        text=(
            "podCIDRs of the nodes (podSubnet 10.244.0.0/16",
            "w2: expected podCIDRs of its own",
            "{cidr w2} overlaps {9 w2}/32 (addresses of the nodes)",
        ),
    ),
    Proof(
        "NET-FLANNEL-007",
        "no hairpin mode",
        lambda evidence: evidence.object(NET_CONF, _no_hairpin),
        red=("cluster",),
        status=WARNING,
        text=("key cni-conf.json of ConfigMap kube-flannel/kube-flannel-cfg", "flannel, hairpinMode: expected True, found False"),
        also={f"NET-FLANNEL-006 {node}": FAILED for node in ("control", "w1", "w2")},
    ),
    Proof(
        "NET-FLANNEL-010",
        "a node announces that nobody manages its subnet",
        mark("w1", "kube-subnet-manager", None),
        red=("cluster",),
        text=("annotations flannel.alpha.coreos.com/* of the nodes", "w1 kube-subnet-manager: expected true, found missing"),
    ),
    Proof(
        "NET-FLANNEL-011",
        "a node announces an address that it has not",
        mark("w1", "public-ip", "192.0.2.77"),
        red=("cluster",),
        text=("w1 public-ip: expected {w1}, found 192.0.2.77 (its InternalIP)",),
        also={f"NET-FLANNEL-017 {node}": FAILED for node in ("control", "w2")},
    ),
    Proof(
        "NET-NODE-013",
        "a ready node complains about its network plugin",
        lambda evidence: evidence.item("nodes", "w1", _network_message),
        red=("w1",),
        text=(
            "w1: condition of the Node object",
            "network trouble in its message: expected none, found Network plugin, cni (Network plugin returns error: cni plugin not",
        ),
    ),
)
