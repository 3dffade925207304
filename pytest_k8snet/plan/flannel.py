"""What flannel should have programmed on a node, derived from the API objects alone: net-conf.json and the nodes' annotations.

Annotations are what every peer reads before it programs routes, neighbours and the forwarding database
(flannel pkg/subnet/kube, pkg/backend/vxlan), so they are the expectation and the kernel state is the observation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_network
from typing import Any

from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse.objects import DamagedObject, net_conf_of

NAMESPACES = ("kube-flannel", "kube-system")
CONFIG = "kube-flannel-cfg"
PREFIX = "flannel.alpha.coreos.com/"
OVERHEAD: Mapping[str, int] = {"vxlan": 50, "udp": 28, "ipip": 20, "wireguard": 80, "host-gw": 0}  # bytes taken from the external MTU
_FIXED_DEVICES = {"udp": "flannel0", "ipip": "flannel.ipip", "wireguard": "flannel-wg"}


@dataclass(frozen=True, slots=True)
class NetConf:
    """The part of net-conf.json that decides the kernel state. `mtu` 0 = taken from the external interface."""

    network: IPv4Network | None
    backend: str
    vni: int = 1
    direct: bool = False
    mtu: int = 0
    nftables: bool = False
    port: int = 0  # UDP port of the tunnel, 0 = the backend's default

    @property
    def device(self) -> str:
        """Name of the tunnel device, "" for host-gw."""
        return f"flannel.{self.vni}" if self.backend == "vxlan" else _FIXED_DEVICES.get(self.backend, "")


@dataclass(frozen=True, slots=True)
class Host:
    """A node as its flannel annotations describe it to the other nodes."""

    name: str
    pod_cidr: IPv4Network
    public_ip: str
    vtep_mac: str  # "" where the backend has none

    @property
    def gateway(self) -> str:
        """Address of the node's tunnel device: the network address of its podCIDR."""
        return str(self.pod_cidr.network_address)


def config_object(recording: Recording) -> tuple[str, Mapping[str, str]]:
    """Name and data of flannel's ConfigMap. Raises Inconclusive when neither namespace holds a readable one."""
    for namespace in NAMESPACES:
        body = recording.object(f"configmap/{namespace}/{CONFIG}")
        if isinstance(body, Mapping):
            return f"{namespace}/{CONFIG}", body.get("data") or {}
    raise Inconclusive(f"ConfigMap {CONFIG} was not read in {' or '.join(NAMESPACES)}")


def net_conf(recording: Recording) -> NetConf:
    """net-conf.json of the ConfigMap. Raises Inconclusive when there is none or it cannot be understood."""
    name, _ = config_object(recording)
    try:
        return _net_conf(net_conf_of(recording) or {})
    except (DamagedObject, TypeError, ValueError, AttributeError) as error:
        raise Inconclusive(f"ConfigMap {name}: net-conf.json cannot be understood ({error})") from error


def _net_conf(raw: Mapping[str, Any]) -> NetConf:
    """flannel reads keys without regard to their case, as Go's JSON decoder does."""
    top = {str(key).lower(): value for key, value in raw.items()}
    settings = {str(key).lower(): value for key, value in (top.get("backend") or {}).items()}
    return NetConf(
        network=IPv4Network(top["network"]) if top.get("network") else None,
        backend=str(settings.get("type", "udp")).lower(),
        vni=int(settings.get("vni", 1)),
        direct=settings.get("directrouting") is True,
        mtu=int(settings.get("mtu", 0)),
        nftables=top.get("enablenftables") is True,
        port=int(settings.get("listenport" if str(settings.get("type", "")).lower() == "wireguard" else "port", 0)),
    )


def pod_cidrs(node: Mapping[str, Any]) -> tuple[str, ...]:
    """podCIDRs of an API node, the older single field included."""
    spec = node.get("spec") or {}
    return tuple(spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else []))


def host(node: Mapping[str, Any], backend: str) -> Host:
    """The node as flannel's annotations describe it. Raises Inconclusive naming the node and what it lacks."""
    name = node["metadata"]["name"]
    notes = node["metadata"].get("annotations") or {}
    cidrs = [network for network in map(ip_network, pod_cidrs(node)) if isinstance(network, IPv4Network)]
    public = notes.get(f"{PREFIX}public-ip-overwrite") or notes.get(f"{PREFIX}public-ip")
    mac = vtep_mac(name, "backend-data", notes) if backend == "vxlan" else ""
    if not cidrs or not public:
        missing = "an IPv4 podCIDR" if not cidrs else f"the annotation {PREFIX}public-ip"
        raise Inconclusive(f"node {name} has not {missing}: what its peers should have programmed is unknown")
    return Host(name, cidrs[0], public, mac)


def vtep_mac(node: str, note: str, notes: Mapping[str, str]) -> str:
    """MAC of the tunnel device in an annotation (backend-data, backend-v6-data). Raises Inconclusive when there is none."""
    data = notes.get(f"{PREFIX}{note}", "")
    try:
        return str(json.loads(data)["VtepMAC"]).lower()
    except (KeyError, TypeError, ValueError) as error:
        raise Inconclusive(f"node {node}: annotation {PREFIX}{note} {data!r} holds no VtepMAC") from error


def routes(conf: NetConf, peers: Iterable[Host], nic: str = "", links: Iterable[IPv4Interface] = ()) -> dict[str, tuple[str, str]]:
    """podCIDR -> (next hop, device) for every peer; with DirectRouting peers on one of `links` (addresses of `nic`) are reached there."""
    networks = [link.network for link in links]
    return {str(peer.pod_cidr): _route(conf, peer, nic, networks) for peer in peers}


def _route(conf: NetConf, peer: Host, nic: str, networks: list[IPv4Network]) -> tuple[str, str]:
    near = any(IPv4Address(peer.public_ip) in network for network in networks)
    if conf.backend == "host-gw" or (conf.direct and near):
        return peer.public_ip, nic
    return (peer.public_ip if conf.backend == "ipip" else peer.gateway), conf.device


def neighbours(peers: Iterable[Host]) -> dict[str, str]:
    """Tunnel address of every peer -> its MAC."""
    return {peer.gateway: peer.vtep_mac for peer in peers}


def fdb(peers: Iterable[Host]) -> dict[str, str]:
    """MAC of every peer's tunnel device -> the address to send the encapsulated packet to."""
    return {peer.vtep_mac: peer.public_ip for peer in peers}


def tunnel_mtu(conf: NetConf, external: int) -> int:
    """MTU of the tunnel device, or of the pods where there is no tunnel."""
    return (conf.mtu or external) - OVERHEAD.get(conf.backend, 0)


def subnet_env(conf: NetConf, own: Host, external_mtu: int) -> dict[str, str]:
    """The four keys of /run/flannel/subnet.env (flannel pkg/subnet, WriteSubnetFile)."""
    first = own.pod_cidr.network_address + 1
    return {
        "FLANNEL_NETWORK": str(conf.network or ""),
        "FLANNEL_SUBNET": f"{first}/{own.pod_cidr.prefixlen}",
        "FLANNEL_MTU": str(tunnel_mtu(conf, external_mtu)),
        "FLANNEL_IPMASQ": "true",
    }
