"""What the cluster says it is, derived from its API objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .endpoint import Endpoint
from .probe import Family


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the API describes it."""

    name: str
    internal_ips: tuple[str, ...]
    pod_cidrs: tuple[str, ...]
    ready: bool
    schedulable: bool  # not cordoned
    control_plane: bool
    os: str  # "linux"
    kubelet_version: str
    runtime: str  # "containerd://1.6.20"
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def ip(self) -> str:
        """First InternalIP, "" if none."""
        return self.internal_ips[0] if self.internal_ips else ""

    def address(self, family: Family) -> str:
        """First InternalIP of that family, "" if none."""
        return family.first(self.internal_ips)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The cluster. Empty strings mean: the API objects do not tell (a condition on it is then unknown, never true)."""

    context: str
    cluster_uid: str  # UID of namespace kube-system
    version: str  # gitVersion of the API server
    nodes: tuple[Node, ...]  # Linux nodes that were selected, sorted by name
    families: tuple[Family, ...]
    dns_domain: str  # "cluster.local"
    dns_ip: str  # ClusterIP of kube-system/kube-dns
    dns: str  # "coredns" | ""
    proxy: str  # "iptables" | "nftables" | "ipvs" | "none" | ""
    cni: str  # "flannel" | "other" | ""
    backend: str  # flannel's backend: "vxlan" | "vxlan-direct" | "host-gw" | "udp" | "wireguard" | "ipip" | ""
    flannel_version: str  # "0.28.10" | ""
    flannel_ipmasq: bool | None
    flannel_nftables: bool | None
    installer: str  # "kubeadm" | ""
    pod_subnet: str  # of kubeadm-config, else ""
    api_endpoints: tuple[str, ...]  # "ip:port" of default/kubernetes
    dns_servers: Mapping[Endpoint, str] = field(default_factory=dict)  # ready endpoints of kube-system/kube-dns -> address

    def node(self, name: str) -> Node:
        """The node of that name. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes, sorted."""
        return tuple(node.name for node in self.nodes)
