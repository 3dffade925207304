"""A pod network without an agent: the reference CNI plugins with host-local addresses, and static routes between the nodes.

The plugins' own masquerading would also hide pods from pods of other nodes, so one rule of the lab hides them only from
what is no pod.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from lab import addresses, network, nft
from lab.addresses import Network, Node
from lab.cluster import Cluster

CONFIG = "/etc/cni/net.d/10-k8snet.conflist"
WRITE = f'printf %s "$1" > {CONFIG}.new && mv {CONFIG}.new {CONFIG}'  # inside the node: containerd watches the folder
TABLE = "k8snetpods"
BRIDGE = "pods0"


def provide(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Give every node its configuration, its routes to the others and its rule, once more where they are there already."""
    subnets = {one: _wait_subnets(cluster, one) for one in nodes}
    for one, own in subnets.items():
        _join(cluster, one, {peer: nets for peer, nets in subnets.items() if peer != one})
        cluster.run(one, ["sh", "-c", WRITE, "sh", conflist(cluster.lab.flavour.cni, own)], "writing the CNI configuration")


def _wait_subnets(cluster: Cluster, one: Node) -> list[Network]:
    cluster.wait(lambda: bool(_subnets(cluster, one)), f"{one.name} has its podCIDR", "kube-controller-manager")
    return _subnets(cluster, one)


def _subnets(cluster: Cluster, one: Node) -> list[Network]:
    return [ip_network(text) for text in cluster.api.get(f"/api/v1/nodes/{one.name}")["spec"].get("podCIDRs", [])]


def _join(cluster: Cluster, one: Node, peers: dict[Node, list[Network]]) -> None:
    holder = cluster.holder(one).pid
    network.ip(holder, routes(peers) or ["link show lo"])
    nft.load(Path(cluster.lab.base), holder, masquerade_rules(cluster.lab.flavour.families))


def routes(peers: dict[Node, list[Network]]) -> list[str]:
    """Lines of `ip -batch` that route the pods of other nodes by these nodes' addresses."""
    ways = [(net, peer.address if net.version == 4 else peer.address6) for peer, nets in peers.items() for net in nets]
    return [f"route replace {net} via {address}" for net, address in ways]


def masquerade_rules(families: str) -> str:
    """A table for each family: what pods send to anywhere but pods carries the node's address."""
    pods: tuple[Network, ...] = addresses.of_cluster(families, addresses.PODS, addresses.PODS6)
    return "".join(map(_table, pods))


def _table(pods: Network) -> str:
    word = addresses.family(pods)
    rule = f"{word} saddr {pods} {word} daddr != {pods} masquerade;"
    return f"""
table {word} {TABLE}
delete table {word} {TABLE}
table {word} {TABLE} {{
  chain postrouting {{ type nat hook postrouting priority 100; {rule} }}
}}
"""


def conflist(cni: str, subnets: list[Network]) -> str:
    """The node's CNI configuration list (CNI specification 1.0.0)."""
    ipam: dict[str, Any] = {"type": "host-local", "ranges": [[{"subnet": str(one)}] for one in subnets]}
    if cni == "ptp":
        ipam["routes"] = [{"dst": "0.0.0.0/0" if one.version == 4 else "::/0"} for one in subnets]
        first: dict[str, Any] = {"type": "ptp", "ipam": ipam}
    else:
        first = {"type": "bridge", "bridge": BRIDGE, "isDefaultGateway": True, "hairpinMode": True, "ipam": ipam}
    plugins = [first, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return json.dumps({"cniVersion": "1.0.0", "name": "k8snet", "plugins": plugins}, indent=2) + "\n"
