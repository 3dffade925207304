"""MTU of the bridge, its ports and the pods behind them."""

import json

import pytest
from evidence_world import WORKER1, RecordedWorld

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.readers import names_for


@pytest.fixture
def probed():
    return RecordedWorld()


def _ports(world):
    return [name for name in world.node().device_mtu if name.startswith("port ")]


def _port_mtu(world, mtu, name):
    links = json.loads(world.text("links"))
    world.write("links", json.dumps([link | ({"mtu": mtu} if link["ifname"] == name else {}) for link in links]))


def _differences(world):
    return [line.strip() for line in world.node().explain("device_mtu").split("\n")[1:]]


def test_all_devices_are_looked_at(probed):
    node = probed.node()
    assert node.device_mtu == node.expected_device_mtu
    assert _ports(probed)
    assert {"cni0", f"eth0 of pod/a@{WORKER1}"} < node.device_mtu.keys()


def test_a_port_with_another_mtu(probed):
    port = _ports(probed)[0]
    _port_mtu(probed, 1500, port.split()[1])
    assert _differences(probed) == [f"{port}: expected 1450, found 1500 (FLANNEL_MTU of /run/flannel/subnet.env)"]


def test_a_bridge_that_does_not_take_the_lowest(probed):
    port = _ports(probed)[0]
    _port_mtu(probed, 1400, port.split()[1])
    assert "cni0: expected 1400, found 1450 (the lowest MTU of its ports)" in _differences(probed)


def test_pods_with_another_mtu(probed):
    probed.edit("addresses/a", '"mtu":1450', '"mtu":1500')
    assert _differences(probed) == [f"eth0 of pod/a@{WORKER1}: expected 1450, found 1500 (FLANNEL_MTU of /run/flannel/subnet.env)"]


def test_a_pod_without_the_interface(probed):
    probed.edit("addresses/a", '"eth0"', '"net0"')
    assert "found missing" in _differences(probed)[0]


def test_flannel_wants_another_mtu(probed):
    probed.edit("subnet.env", "FLANNEL_MTU=1450", "FLANNEL_MTU=1400")
    assert len(_differences(probed)) == len(probed.node().device_mtu) - 1


def test_without_ports_nothing_passes(probed):
    probed.write("links", json.dumps([link for link in json.loads(probed.text("links")) if link.get("master") != "cni0"]))
    with pytest.raises(Inconclusive, match="cni0 has no port, though probe pods run there"):
        probed.node().comparison("device_mtu")


@pytest.mark.parametrize("name", ["links", "subnet.env", "addresses/a"])
def test_what_was_not_read_is_no_pass(probed, name):
    probed.fail(name, "permission denied")
    with pytest.raises(Inconclusive, match=f"{name} .* was not read: permission denied"):
        probed.node().comparison("device_mtu")


def test_without_a_probe_pod_nothing_passes(probed):
    probed.recording.streams["fleet"] = [entry for entry in probed.recording.streams["fleet"] if entry["endpoint"].startswith("host@")]
    with pytest.raises(Inconclusive, match="no probe pod of the pod network was placed there"):
        probed.node().comparison("device_mtu")


def test_the_planned_readers_are_enough(probed):
    wanted = names_for(["NET-MTU-002"])
    probed.recording.streams["facts"] = [
        fact for fact in probed.recording.streams["facts"] if fact["name"] in wanted or "/" in fact["name"]
    ]
    assert probed.node().comparison("device_mtu").differing == ()
