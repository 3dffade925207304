"""MTU of the devices between a pod and its node: the bridge, the bridge's ports and the pod's own interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import ip
from pytest_k8snet.plan.available import HOST_ROLES
from pytest_k8snet.plan.readers import pod_addresses_name
from pytest_k8snet.plan.resolver import role

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_links import BRIDGE, flannel_mtu
from .node_pods import placed

INTERFACE = "eth0"  # as the runtime asks a plugin to name it (CNI_IFNAME)
MISSING = "missing"


def device_mtu(node: NodeFacts) -> Comparison:
    """FLANNEL_MTU at both ends of every pod's pair of devices; the bridge has the lowest MTU of its ports."""
    mtu = flannel_mtu(node)
    pods = dict(_in_pods(node))
    ports = {f"port {link.name} of {BRIDGE}": link.mtu for link in node.links.values() if link.master == BRIDGE}
    if not ports:
        raise Inconclusive(f"{node.node}: {BRIDGE} has no port, though probe pods run there")
    bridge = node.links.get(BRIDGE)
    found: dict[str, int | str] = {**pods, **ports, BRIDGE: bridge.mtu if bridge else MISSING}
    expected = {**dict.fromkeys([*pods, *ports], mtu), BRIDGE: min(ports.values())}
    notes = dict.fromkeys(expected, "FLANNEL_MTU of /run/flannel/subnet.env") | {BRIDGE: "the lowest MTU of its ports"}
    return Comparison(f"MTU of {BRIDGE}, its ports and pods ({node.source('links')})", found, expected, notes)


def _in_pods(node: NodeFacts) -> Iterator[tuple[str, int | str]]:
    """The interface of each probe pod of the pod network. Raises Inconclusive where there is none."""
    here = [endpoint for endpoint in placed(node) if role(endpoint) not in HOST_ROLES]
    if not here:
        raise Inconclusive(f"{node.node}: no probe pod of the pod network was placed there")
    for endpoint in here:
        links = {link.name: link.mtu for link in node.parsed(pod_addresses_name(role(endpoint)), ip.links)}
        yield f"{INTERFACE} of {endpoint}", links.get(INTERFACE, MISSING)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"device_mtu": device_mtu}
