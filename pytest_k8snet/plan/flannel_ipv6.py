"""What flannel should have programmed on a node for IPv6, derived as for IPv4 from net-conf.json and the nodes' annotations.

The forms for IPv6 are public-ipv6 and backend-v6-data (flannel pkg/subnet/kube), the tunnel is `flannel-v6.<VNI>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Interface, IPv6Network, ip_network
from typing import Any

from pytest_k8snet.model.verdict import Inconclusive

from .flannel import PREFIX, NetConf, pod_cidrs, vtep_mac

BACKENDS = ("vxlan", "host-gw")


@dataclass(frozen=True, slots=True)
class Host:
    """A node as its annotations describe it to the other nodes, by its IPv6 addresses."""

    name: str
    pod_cidr: IPv6Network
    public_ip: str
    vtep_mac: str  # "" where the backend has none

    @property
    def gateway(self) -> str:
        """Address of the node's tunnel device: the network address of its podCIDR."""
        return str(self.pod_cidr.network_address)


def device(conf: NetConf) -> str:
    """Name of the tunnel device, "" for host-gw."""
    return f"flannel-v6.{conf.vni}" if conf.backend == "vxlan" else ""


def host(node: Mapping[str, Any], backend: str) -> Host:
    """The node as flannel's annotations describe it. Raises Inconclusive naming the node and what it lacks."""
    name = node["metadata"]["name"]
    notes = node["metadata"].get("annotations") or {}
    cidrs = [network for network in map(ip_network, pod_cidrs(node)) if isinstance(network, IPv6Network)]
    public = notes.get(f"{PREFIX}public-ipv6-overwrite") or notes.get(f"{PREFIX}public-ipv6")
    if not cidrs or not public:
        missing = "an IPv6 podCIDR" if not cidrs else f"the annotation {PREFIX}public-ipv6"
        raise Inconclusive(f"node {name} has not {missing}: what its peers should have programmed is unknown")
    mac = vtep_mac(name, "backend-v6-data", notes) if backend == "vxlan" else ""
    return Host(name, cidrs[0], str(IPv6Address(public)), mac)


def near(conf: NetConf, peers: Iterable[Host], links: Iterable[IPv6Interface]) -> frozenset[str]:
    """Names of the peers that are reached without the tunnel: all with host-gw, with DirectRouting those on one of our links."""
    networks = [link.network for link in links]
    return frozenset(
        peer.name
        for peer in peers
        if conf.backend == "host-gw" or (conf.direct and any(IPv6Address(peer.public_ip) in network for network in networks))
    )
