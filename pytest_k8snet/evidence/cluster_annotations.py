"""What the nodes announce to each other in flannel's annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.flannel import NAMESPACES, PREFIX

from .cluster_objects import Body, ClusterObjects
from .comparison import Comparison
from .networks import address_of, family, plain
from .node_facts import NodeFacts

MANAGED, TYPE = "kube-subnet-manager", "backend-type"
THERE, MISSING = "present", "missing"
KEYED = ("vxlan", "wireguard")  # backends whose data hold what peers need; flannel writes "null" for the others
INTERFACE_FLAGS = ("public-ip", "public-ipv6", "iface", "iface-regex", "iface-can-reach")
ONE = "one node"


@dataclass(frozen=True, slots=True)
class Form:
    """Names of the annotations of one family."""

    family: str
    data: str
    public: str

    @property
    def overwrite(self) -> str:
        """The annotation by which an operator sets the address."""
        return f"{self.public}-overwrite"


FORMS = (Form("IPv4", "backend-data", "public-ip"), Form("IPv6", "backend-v6-data", "public-ipv6"))


def flannel_annotations(cluster: ClusterObjects) -> Comparison:
    """flannel's annotations of each Linux node: all of them, and the same backend everywhere."""
    marks = {name: _marks(node) for name, node in _nodes(cluster).items()}
    types = Counter(mark[TYPE] for mark in marks.values() if mark.get(TYPE))
    common = types.most_common(1)[0][0] if types else THERE
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    for name, mark in marks.items():
        found |= {f"{name} {MANAGED}": mark.get(MANAGED, MISSING), f"{name} {TYPE}": mark.get(TYPE) or MISSING}
        expected |= {f"{name} {MANAGED}": "true", f"{name} {TYPE}": common}
        for form in _forms(cluster):
            found |= {f"{name} {form.data}": _data(mark, form), f"{name} {form.public}": THERE if mark.get(form.public) else MISSING}
            expected |= {f"{name} {form.data}": THERE, f"{name} {form.public}": THERE}
    cluster.used.append({"object": "nodes", "annotations": marks})
    return Comparison(f"annotations {PREFIX}* of the nodes", found, expected)


def public_addresses(cluster: ClusterObjects) -> Comparison:
    """The address by which each node's peers reach it: its InternalIP unless overridden, and no other node's."""
    wanted: dict[str, tuple[str, str]] = {}
    public: dict[str, str] = {}
    owners: dict[str, frozenset[str]] = {}
    for name, node in _nodes(cluster).items():
        for form in _forms(cluster):
            key = f"{name} {form.public}"
            public[key] = plain(_marks(node).get(form.public, ""))
            wanted[key] = _wanted(cluster, node, form, public[key])
            owners[public[key]] = owners.get(public[key], frozenset()) | {name}
    shared = {f"nodes that announce {address}": names for address, names in owners.items() if address and len(names) > 1}
    cluster.used.append({"object": "nodes", "public addresses": public})
    caption = f"annotations {PREFIX}public-ip and public-ipv6 of the nodes"
    expected = {key: address for key, (address, _) in wanted.items()} | dict.fromkeys(shared, ONE)
    return Comparison(caption, {**public, **shared}, expected, {key: why for key, (_, why) in wanted.items()})


def _wanted(cluster: ClusterObjects, node: Body, form: Form, public: str) -> tuple[str, str]:
    """The address a node should announce, and why. Raises Inconclusive where an override names it and the node was not read."""
    overwrite = _marks(node).get(form.overwrite)
    if overwrite:
        return plain(overwrite), f"annotation {form.overwrite}"
    entries = (node.get("status") or {}).get("addresses") or ()
    internal = [plain(entry["address"]) for entry in entries if entry["type"] == "InternalIP" and _is(form.family, entry["address"])]
    flags = _interface_flags(cluster)
    if public in internal:
        return public, "its InternalIP"
    if flags and public and public in _own_addresses(cluster, node):
        return public, f"an address of the node; flannel runs with {flags}"
    return " or ".join(
        internal
    ) or f"an {form.family} InternalIP", "its InternalIP" if internal else f"the node has no {form.family} InternalIP"


def _own_addresses(cluster: ClusterObjects, node: Body) -> frozenset[str]:
    """Addresses of a node's devices, from the API or read on the node."""
    name = node["metadata"]["name"]
    listed = frozenset(plain(entry["address"]) for entry in (node.get("status") or {}).get("addresses") or ())
    facts = NodeFacts(cluster.recording, cluster.inventory, name)
    try:
        return listed | {plain(address.address) for address in facts.addresses}
    except Inconclusive as unread:
        raise Inconclusive(f"flannel is told which address to announce ({_interface_flags(cluster)}), and {unread}") from unread
    finally:
        cluster.used += facts.used


def _interface_flags(cluster: ClusterObjects) -> str:
    """Flags of flanneld by which an operator chooses the address, "" if there are none."""
    words = [word for namespace in NAMESPACES for word in _arguments(cluster, namespace)]
    names = {word: word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")}
    return " ".join(word for word, name in names.items() if name in INTERFACE_FLAGS)


def _arguments(cluster: ClusterObjects, namespace: str) -> list[str]:
    daemonsets = (cluster.recording.object(f"daemonsets/{namespace}") or {}).get("items") or ()
    containers = [c for item in daemonsets for c in item["spec"]["template"]["spec"]["containers"] if "flannel" in c["name"]]
    return [str(word) for container in containers for word in (*(container.get("command") or ()), *(container.get("args") or ()))]


def _data(mark: Mapping[str, str], form: Form) -> str:
    text = mark.get(form.data) or MISSING
    return THERE if text not in (MISSING, "null") or (text == "null" and mark.get(TYPE) not in KEYED) else text


def _forms(cluster: ClusterObjects) -> tuple[Form, ...]:
    """Of the families that the cluster's pods have."""
    names = {f"IPv{str(kind).removeprefix('ipv')}" for kind in cluster.inventory.families}
    if not names:
        raise Inconclusive("no node has a podCIDR: the families of the pod network are unknown")
    return tuple(form for form in FORMS if form.family in names)


def _nodes(cluster: ClusterObjects) -> dict[str, Body]:
    return {node["metadata"]["name"]: node for node in cluster.items("nodes") if node["metadata"]["name"] in cluster.linux_nodes}


def _marks(node: Body) -> dict[str, str]:
    """flannel's annotations without their prefix."""
    return {key.removeprefix(PREFIX): value for key, value in (node["metadata"].get("annotations") or {}).items() if key.startswith(PREFIX)}


def _is(kind: str, text: str) -> bool:
    address = address_of(text)
    return address is not None and family(address) == kind


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {
    "flannel_annotations": flannel_annotations,
    "public_addresses": public_addresses,
}
