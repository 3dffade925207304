"""What must agree between the nodes, or differ between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable

from .cluster_objects import ClusterObjects
from .comparison import Comparison
from .node_facts import NodeFacts
from .node_flannel import uplink
from .node_links import flannel_mtu

UNIQUE = "unique"


def pod_mtu(cluster: ClusterObjects) -> Comparison:
    """FLANNEL_MTU of every node; the most frequent one counts as the cluster's."""
    found = {node.node: flannel_mtu(node) for node in _nodes(cluster)}
    common = Counter(found.values()).most_common(1)[0][0]
    return Comparison("FLANNEL_MTU of /run/flannel/subnet.env on every node", found, dict.fromkeys(found, common))


def identity(cluster: ClusterObjects) -> Comparison:
    """Hostname, MAC of the uplink, product_uuid and machine-id of every node: none of them twice.

    A machine without DMI has no product_uuid; then the others tell.
    """
    values = {node.node: _identity(node) for node in _nodes(cluster)}
    holders: dict[tuple[str, str], list[str]] = {}
    for name, own in values.items():
        for kind, value in own.items():
            holders.setdefault((kind, value), []).append(name)
    found = {f"{kind} of {name}": _told(name, holders[kind, value]) for name, own in values.items() for kind, value in own.items()}
    return Comparison("identity of the nodes", found, dict.fromkeys(found, UNIQUE))


def _nodes(cluster: ClusterObjects) -> list[NodeFacts]:
    """Facts of every judged node; what is looked at there is evidence here too."""
    nodes = [NodeFacts(cluster.recording, cluster.inventory, name) for name in cluster.inventory.names]
    if len(nodes) < 2:
        raise NotApplicable("only one node is judged")
    for node in nodes:
        node.used = cluster.used
    return nodes


def _identity(node: NodeFacts) -> Mapping[str, str]:
    device = _uplink(node)
    found = {
        "hostname": node.text("hostname").strip(),
        "MAC of the uplink": node.links[device].mac,
        "machine-id": node.text("machine-id").strip(),
    }
    if not node.absent("product-uuid"):
        found["product_uuid"] = node.text("product-uuid").strip()
    return found


def _uplink(node: NodeFacts) -> str:
    if node.inventory.cni == "flannel":
        return uplink(node)[0]
    own = set(node.inventory.node(node.node).internal_ips)
    for address in node.addresses:
        if address.address in own:
            return address.dev
    raise Inconclusive(f"{node.node}: its InternalIP is on no interface: the uplink is unknown")


def _told(name: str, holders: list[str]) -> str:
    others = [other for other in holders if other != name]
    return f"the same as {', '.join(others)}" if others else UNIQUE


COMPARISONS: dict[str, Callable[[ClusterObjects], Comparison]] = {"pod_mtu": pod_mtu, "identity": identity}
