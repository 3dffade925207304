"""flannel's backends udp, wireguard and ipip on a node: device, port, routes and peers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse import sockets, wireguard
from pytest_k8snet.plan.flannel import PREFIX

from .cluster_objects import moment
from .comparison import Comparison
from .node_facts import NodeFacts
from .node_flannel import peer_routes

KINDS = {"udp": "tun", "wireguard": "wireguard", "ipip": "ipip"}  # backend -> kind of its device
PORTS = {"udp": 8285, "wireguard": 51820}  # flannel Documentation/backends.md
SESSION = 180  # seconds that a WireGuard session lives after its handshake
FRESH = "fresh handshake"


def other_tunnel(node: NodeFacts) -> Comparison:
    """The backend's device, its UDP port, the routes into it, and with wireguard its peers."""
    conf = node.net_conf
    if conf.backend not in KINDS:
        raise NotApplicable(f"flannel's backend is {conf.backend}, none of {', '.join(KINDS)}")
    link = node.links.get(conf.device)
    found: dict[str, Any] = {conf.device: f"{'UP' if link.up else 'DOWN'} {link.kind}" if link else "missing"}
    expected: dict[str, Any] = {conf.device: f"UP {KINDS[conf.backend]}"}
    notes: Mapping[Any, str] = {}
    if conf.backend in PORTS:
        port = conf.port or PORTS[conf.backend]
        found[f"UDP {port}"] = "bound" if port in node.parsed("udp-sockets", sockets.udp_ports) else "not bound"
        expected[f"UDP {port}"] = "bound"
        found |= _network_route(node)
        expected[f"route {conf.network}"] = f"dev {conf.device}"
    else:
        routes = peer_routes(node)
        found, expected, notes = {**found, **routes.actual}, {**expected, **routes.expected}, routes.notes
    if conf.backend == "wireguard":
        peers = _keys(node)
        found, expected = {**found, **_handshakes(node, peers)}, {**expected, **{f"peer {name}": FRESH for name in peers}}
    return Comparison(f"flannel's backend {conf.backend} ({node.source('links')}, {node.source('routes')})", found, expected, notes)


def _network_route(node: NodeFacts) -> dict[str, str]:
    network, main = str(node.net_conf.network), ("", "main")
    ways = sorted((r for r in node.routes if r.destination == network and r.table in main), key=lambda route: route.metric)
    return {f"route {network}": f"{'via ' + ways[0].gateway + ' ' if ways[0].gateway else ''}dev {ways[0].dev}"} if ways else {}


def _keys(node: NodeFacts) -> dict[str, str]:
    """Peer -> its public key, as its annotation tells. Raises Inconclusive where one does not."""
    found: dict[str, str] = {}
    for item in node.api_nodes:
        name = item["metadata"]["name"]
        data = (item["metadata"].get("annotations") or {}).get(f"{PREFIX}backend-data", "")
        try:
            found[name] = str(json.loads(data)["PublicKey"])
        except (KeyError, TypeError, ValueError) as error:
            raise Inconclusive(f"node {name}: annotation {PREFIX}backend-data {data!r} holds no PublicKey") from error
    return {name: key for name, key in found.items() if name != node.node}


def _handshakes(node: NodeFacts, peers: Mapping[str, str]) -> dict[str, str]:
    """How old each peer's handshake is; a peer of the device that no annotation names is surplus."""
    began = moment(node.recording.meta.get("started"))
    if began is None:
        raise Inconclusive(f"{node.node}: the recording does not tell when it began: the age of a handshake is unknown")
    seen = {key: at for (dev, key), at in node.parsed("wg-handshakes", wireguard.handshakes).items() if dev == node.net_conf.device}
    names = {key: name for name, key in peers.items()}
    return {f"peer {names.get(key, key)}": _age(at, began.timestamp()) for key, at in seen.items()}


def _age(at: int, began: float) -> str:
    if not at:
        return "no handshake"
    return FRESH if at >= began - SESSION else f"last handshake {began - at:.0f} s before the run"


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"other_tunnel": other_tunnel}
