"""host-gw: routes by the peers' own addresses, on a shared link, with the link's MTU."""

from __future__ import annotations

import json

import pytest
from evidence_world import WORKER1, WORKER2, World


@pytest.fixture
def world():
    """The healthy cluster as host-gw would leave it."""
    world = World()
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace("vxlan", "host-gw")
    peers = {str(peer.pod_cidr): peer.public_ip for peer in world.node()._facts.peers}
    routes = json.loads(world.text("routes"))
    for route in routes:
        if route["dst"] in peers and route.get("dev") == "flannel.1":
            route.update(gateway=peers[route["dst"]], dev="eth0", flags=[])
    world.write("routes", json.dumps(routes))
    world.edit("subnet.env", "FLANNEL_MTU=1450", "FLANNEL_MTU=1500")
    return world


def test_as_flannel_programs_it(world):
    node = world.node()
    assert node.host_gw == node.expected_host_gw
    assert node.host_gw[f"shares a link with {WORKER2}"] == "yes"


def test_a_route_by_another_gateway(world):
    peer = world.node()._facts.peers[-1]
    world.edit("routes", f'"gateway": "{peer.public_ip}", "dev": "eth0"', '"gateway": "172.30.0.250", "dev": "eth0"')
    text = world.node().explain("host_gw")
    assert f"{peer.pod_cidr}: expected via {peer.public_ip} dev eth0, found via 172.30.0.250 dev eth0" in text
    assert text.startswith(f"{WORKER1}: host-gw: routes to the other nodes' podCIDRs")


def test_the_mtu_of_a_tunnel_is_left(world):
    world.edit("subnet.env", "FLANNEL_MTU=1500", "FLANNEL_MTU=1450")
    assert "FLANNEL_MTU: expected 1500, found 1450 (MTU of eth0)" in world.node().explain("host_gw")


def test_a_peer_on_another_link(world):
    world.api_node(WORKER2)["metadata"]["annotations"]["flannel.alpha.coreos.com/public-ip"] = "172.31.0.13"
    assert f"shares a link with {WORKER2}: expected yes, found no" in world.node().explain("host_gw")
