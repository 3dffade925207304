"""A cluster of any size for planning."""

from __future__ import annotations

from pytest_k8snet.model.inventory import Inventory, Node
from pytest_k8snet.model.probe import Family


def make_inventory(count: int = 3) -> Inventory:
    nodes = tuple(
        Node(f"n{i}", (f"172.30.0.1{i}",), (f"10.4.{i}.0/24",), True, True, i == 1, "linux", "v1.36.2", "containerd://2.1.0")
        for i in range(1, count + 1)
    )
    return Inventory(
        context="lab", cluster_uid="u", version="v1.36.2", nodes=nodes, families=(Family.IPV4,), dns_domain="cluster.local",
        dns_ip="10.96.0.10", dns="coredns", proxy="iptables", cni="flannel", backend="vxlan", flannel_version="0.28.10",
        flannel_ipmasq=True, flannel_nftables=False, installer="kubeadm", pod_subnet="10.4.0.0/16",
        api_endpoints=("172.30.0.11:6443",),
    )  # fmt: skip
