"""API objects of a recording -> Inventory. What the objects do not tell, or tell unreadably, stays empty: unknown, never true."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import yaml

from pytest_k8snet.errors import NoVerdict
from pytest_k8snet.model.inventory import Inventory, Node
from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.recording import Recording

from . import dns_servers

T = TypeVar("T")
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
FLANNEL_NAMESPACES = ("kube-flannel", "kube-system")
BACKENDS = {"vxlan": "vxlan", "host-gw": "host-gw", "udp": "udp", "wireguard": "wireguard", "ipip": "ipip"}
PROXY_MODES = {"": "iptables", "iptables": "iptables", "ipvs": "ipvs", "nftables": "nftables"}
FALSE = ("false", "0", "f")
FLANNEL_MARK = "flannel.alpha.coreos.com/"
OK, NOT_FOUND = 200, 404


class DamagedObject(NoVerdict):
    """An API object holds something that cannot be read; `str()` names the object, the place and what is wrong."""


def inventory(recording: Recording, nodes: Collection[str] | None = None) -> Inventory:
    """The cluster as its objects describe it.

    `nodes` are the names of the selected nodes; None takes the selection that the recording holds, or every Linux node.
    A damaged ConfigMap leaves its fields empty (`problems` names it): broken configuration is for the checks to judge.
    Raises DamagedObject when a node cannot be read, NoVerdict when there is no node list.
    """
    chosen = _nodes(recording, nodes)
    networking = _inner(_readable(kubeadm_of, recording) or {}, "networking")
    net_conf = _readable(net_conf_of, recording)
    flannel = flannel_container(recording)
    return Inventory(
        context=str(recording.meta.get("context", "")),
        cluster_uid=_field(recording.known("namespace/kube-system"), "metadata", "uid"),
        version=_field(recording.known("version"), "gitVersion"),
        nodes=chosen,
        families=_families(recording, chosen),
        dns_domain=_dns_domain(recording, networking),
        dns_ip=_dns_ip(recording),
        dns=_dns(recording),
        proxy=_readable(proxy_mode, recording) or "",
        cni="flannel" if net_conf is not None or flannel is not None else "other" if _without_flannel(recording) else "",
        backend=backend(net_conf or {}),
        flannel_version=_version(flannel),
        flannel_ipmasq=None if flannel is None else _flag(flannel, "ip-masq"),
        flannel_nftables=bool(net_conf.get("EnableNFTables", False)) if net_conf else None,
        installer="kubeadm" if recording.known("configmap/kube-system/kubeadm-config") is not None else "",
        pod_subnet=str(networking.get("podSubnet", "")),
        api_endpoints=_api_endpoints(recording),
        dns_servers=dns_servers.of((recording.known("endpointslices") or {}).get("items") or ()),
    )


def problems(recording: Recording) -> tuple[str, ...]:
    """What `inventory` could not read, one message an object."""
    found = []
    for read in (kubeadm_of, net_conf_of, proxy_mode):
        try:
            read(recording)
        except DamagedObject as error:
            found.append(str(error))
    return tuple(found)


def node_of(body: dict[str, Any]) -> Node:
    """One Node object. Kubernetes API reference, Node v1."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    info = status.get("nodeInfo") or {}
    labels = metadata.get("labels") or {}
    return Node(
        name=metadata["name"],
        internal_ips=tuple(a["address"] for a in status.get("addresses") or () if a.get("type") == "InternalIP"),
        pod_cidrs=tuple(spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else ())),
        ready=any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ()),
        schedulable=not spec.get("unschedulable", False),
        control_plane=any(label in labels for label in CONTROL_PLANE),
        os=str(info.get("operatingSystem") or labels.get("kubernetes.io/os") or "linux"),
        kubelet_version=str(info.get("kubeletVersion", "")),
        runtime=str(info.get("containerRuntimeVersion", "")),
        annotations=dict(metadata.get("annotations") or {}),
    )


def kubeadm_of(recording: Recording) -> dict[str, Any]:
    """ClusterConfiguration of ConfigMap kubeadm-config; empty if there is no such ConfigMap. Raises DamagedObject."""
    name = "configmap/kube-system/kubeadm-config"
    data = _data(recording, name)
    return {} if data is None else _mapping(name, "ClusterConfiguration", data.get("ClusterConfiguration"))


def net_conf_of(recording: Recording) -> dict[str, Any] | None:
    """flannel's net-conf.json from ConfigMap kube-flannel-cfg; None if there is no such ConfigMap. Raises DamagedObject."""
    for namespace in FLANNEL_NAMESPACES:
        name = f"configmap/{namespace}/kube-flannel-cfg"
        data = _data(recording, name)
        if data is not None:
            return _mapping(name, "net-conf.json", data.get("net-conf.json"))
    return None


def backend(net_conf: dict[str, Any]) -> str:
    """The backend by the name this package gives it; "" when net-conf.json names none or one that flannel does not have.

    flannel reads keys of the backend without regard to their case, as Go's JSON decoder does.
    """
    settings = {str(key).lower(): value for key, value in _inner(net_conf, "Backend").items()}
    kind = BACKENDS.get(str(settings.get("type", "")).lower(), "")
    return "vxlan-direct" if kind == "vxlan" and settings.get("directrouting") is True else kind


def proxy_mode(recording: Recording) -> str:
    """kube-proxy's mode from config.conf (empty there: iptables on Linux); "none" without a DaemonSet, "" if unknown.

    Raises DamagedObject.
    """
    daemonsets = recording.known("daemonsets/kube-system")
    if daemonsets is None:
        return ""
    if not any(item["metadata"]["name"].startswith("kube-proxy") for item in daemonsets["items"]):
        return "none"
    name = "configmap/kube-system/kube-proxy"
    data = _data(recording, name)
    if data is None:
        return ""
    return PROXY_MODES.get(str(_mapping(name, "config.conf", data.get("config.conf")).get("mode") or "").lower(), "")


def _nodes(recording: Recording, names: Collection[str] | None) -> tuple[Node, ...]:
    listed = recording.known("nodes")
    if listed is None:
        raise NoVerdict("the recording holds no list of nodes: what is to be judged is unknown")
    chosen = recording.known("nodes/selected")
    wanted = names if names is not None else None if chosen is None else chosen["names"]
    found = (node_of(item) for item in listed["items"])
    return tuple(sorted((n for n in found if n.os == "linux" and (wanted is None or n.name in wanted)), key=lambda n: n.name))


def _readable(read: Callable[[Recording], T], recording: Recording) -> T | None:
    try:
        return read(recording)
    except DamagedObject:
        return None


def _families(recording: Recording, nodes: Iterable[Node]) -> tuple[Family, ...]:
    """Families that pods have: those of the nodes' podCIDRs; without any, those of Service default/kubernetes. Its own family is first."""
    cidrs = {cidr for node in nodes for cidr in node.pod_cidrs}
    service = _service(recording, "default", "kubernetes")
    addresses = cidrs or set(((service or {}).get("spec") or {}).get("clusterIPs") or ())
    versions = {_family("podCIDR of a node", address) for address in addresses}
    first = Family.of(str(((service or {}).get("spec") or {}).get("clusterIP") or ""))
    return tuple(sorted(versions, key=lambda family: (family is not first, family)))


def _family(what: str, text: str) -> Family:
    try:
        return Family(f"ipv{ipaddress.ip_network(text, strict=False).version}")
    except ValueError as error:
        raise DamagedObject(f"{what}: {text!r} is no network") from error


def _dns_domain(recording: Recording, networking: dict[str, Any]) -> str:
    """clusterDomain of the kubelets if they agree, else kubeadm's dnsDomain (network-model: the kubelet decides what pods get)."""
    names = {entry["name"] for entry in recording.entries("objects") if entry["name"].startswith("configz/")}
    bodies = (recording.known(name) for name in names)
    domains = {_field(body, "kubeletconfig", "clusterDomain") for body in bodies if body is not None} - {""}
    found = domains.pop() if len(domains) == 1 else str(networking.get("dnsDomain", ""))
    return found.rstrip(".")


def _dns_ip(recording: Recording) -> str:
    service = _service(recording, "kube-system", "kube-dns")
    address = _field(service, "spec", "clusterIP")
    return "" if address == "None" else address


def _dns(recording: Recording) -> str:
    deployments = (recording.known("deployments/kube-system") or {}).get("items", ())
    images = [c["image"] for d in deployments for c in d["spec"]["template"]["spec"]["containers"]]
    return "coredns" if any("coredns" in image for image in images) else ""


def _service(recording: Recording, namespace: str, name: str) -> dict[str, Any] | None:
    items = (recording.known("services") or {}).get("items", ())
    wanted = (i for i in items if i["metadata"]["name"] == name and i["metadata"].get("namespace") == namespace)
    return next(wanted, None)


def _api_endpoints(recording: Recording) -> tuple[str, ...]:
    """ "ip:port" of every endpoint of default/kubernetes, IPv6 in brackets, sorted; empty unless all are known."""
    slices = (recording.known("endpointslices") or {}).get("items", ())
    found: set[str] = set()
    for piece in slices:
        labels = piece["metadata"].get("labels") or {}
        if piece["metadata"].get("namespace") == "default" and labels.get("kubernetes.io/service-name") == "kubernetes":
            hosts = [address for endpoint in piece.get("endpoints") or () for address in endpoint["addresses"]]
            ports = [port["port"] for port in piece.get("ports") or () if port.get("port")]
            if hosts and not ports:
                return ()  # endpoints of which nobody knows the port: those of other slices are not all there are
            found |= {f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts for port in ports}
    return tuple(sorted(found))


def flannel_container(recording: Recording) -> dict[str, Any] | None:
    """The container that runs flanneld: of a running pod if there is one, else of the DaemonSet's template."""
    for namespace in FLANNEL_NAMESPACES:
        for body in (item for item in (recording.known(f"daemonsets/{namespace}") or {}).get("items", ())):
            for container in body["spec"]["template"]["spec"]["containers"]:
                if container["name"] == "kube-flannel" or "flannel" in str(container.get("image", "")).rsplit("/", 1)[-1]:
                    return dict(container)
    return None


def _without_flannel(recording: Recording) -> bool:
    """Whether all places of flannel's objects were read and are empty, beside what `inventory` has found there.

    Distributions build flannel into their own agent, without objects: it still annotates the nodes.
    """
    maps = all(_status(recording, f"configmap/{namespace}/kube-flannel-cfg") == NOT_FOUND for namespace in FLANNEL_NAMESPACES)
    daemons = all(_status(recording, f"daemonsets/{namespace}") in (OK, NOT_FOUND) for namespace in FLANNEL_NAMESPACES)
    nodes = (recording.known("nodes") or {}).get("items", ())
    marks = any(key.startswith(FLANNEL_MARK) for node in nodes for key in node["metadata"].get("annotations") or ())
    return maps and daemons and not marks


def _status(recording: Recording, name: str) -> int | None:
    """HTTP status of the last answer of that name."""
    return next((entry["status"] for entry in reversed(list(recording.entries("objects", name=name)))), None)


def _version(container: dict[str, Any] | None) -> str:
    """ "0.28.10" of an image tag such as v0.28.10 or v0.28.10-amd64; "" when the tag is no version."""
    tag = re.search(r":v?(\d+\.\d+\.\d+)[^/@]*(@|$)", str((container or {}).get("image", "")))
    return tag.group(1) if tag else ""


def _flag(container: dict[str, Any], name: str) -> bool:
    """A boolean flag as Go's flag package reads it: --x, -x, --x=true, --x=false; the last one wins; absent is false."""
    words = [str(word) for word in [*(container.get("command") or ()), *(container.get("args") or ())]]
    given = [word.lstrip("-") for word in words if word.startswith("-")]
    values = [word.partition("=") for word in given if word.partition("=")[0] == name]
    return bool(values) and values[-1][2].lower() not in FALSE


def _data(recording: Recording, name: str) -> dict[str, Any] | None:
    body = recording.known(name)
    return None if body is None else dict(body.get("data") or {})


def _mapping(name: str, key: str, text: Any) -> dict[str, Any]:
    """The mapping that a key of a ConfigMap holds as JSON or YAML."""
    if text is None:
        raise DamagedObject(f"{name} has no key {key}")
    try:
        value = json.loads(text) if key.endswith(".json") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise DamagedObject(f"{name}, key {key}, cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise DamagedObject(f"{name}, key {key}, holds no mapping but {value!r}")
    return value


def _inner(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    value = mapping.get(key)
    return value if isinstance(value, dict) else {}


def _field(body: Any, *path: str) -> str:
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return "" if body is None else str(body)
