"""What nodes announce in flannel's annotations."""

import pytest
from evidence_world import CONTROL, WORKER1, WORKER2
from object_world import dual, refuse

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.flannel import PREFIX


def _marks(world, node=WORKER1):
    return world.api_node(node)["metadata"]["annotations"]


def _mark(world, name, value, node=WORKER1):
    marks = _marks(world, node)
    marks.pop(f"{PREFIX}{name}", None)
    marks.update({f"{PREFIX}{name}": value} if value is not None else {})


def _differences(world, name):
    return world.cluster.comparison(name).differences


@pytest.mark.parametrize(
    ("name", "value", "difference"),
    [
        ("kube-subnet-manager", None, "k8snet-worker1 kube-subnet-manager: expected true, found missing"),
        ("kube-subnet-manager", "false", "k8snet-worker1 kube-subnet-manager: expected true, found false"),
        ("backend-type", "host-gw", "k8snet-worker1 backend-type: expected vxlan, found host-gw"),
        ("backend-type", None, "k8snet-worker1 backend-type: expected vxlan, found missing"),
        ("backend-data", None, "k8snet-worker1 backend-data: expected present, found missing"),
        ("backend-data", "null", "k8snet-worker1 backend-data: expected present, found null"),
        ("public-ip", None, "k8snet-worker1 public-ip: expected present, found missing"),
    ],
)
def test_an_annotation_is_wrong(world, name, value, difference):
    _mark(world, name, value)
    assert _differences(world, "flannel_annotations") == (difference,)


def test_host_gw_has_no_data(world):
    for node in (CONTROL, WORKER1, WORKER2):
        _mark(world, "backend-type", "host-gw", node)
        _mark(world, "backend-data", "null", node)
    assert _differences(world, "flannel_annotations") == ()


def test_a_dual_stack_node_announces_both_families(world):
    dual(world)
    assert "k8snet-worker1 public-ipv6: expected present, found missing" in _differences(world, "flannel_annotations")
    for number, node in enumerate((CONTROL, WORKER1, WORKER2), 1):
        _mark(world, "backend-v6-data", '{"VNI":1,"VtepMAC":"aa"}', node)
        _mark(world, "public-ipv6", f"fd00:1::{number}", node)
    assert _differences(world, "flannel_annotations") == ()
    assert _differences(world, "public_addresses") == ()
    _mark(world, "backend-v6-data", None)
    _mark(world, "public-ipv6", "fd00:1::3")
    assert _differences(world, "flannel_annotations") == ("k8snet-worker1 backend-v6-data: expected present, found missing",)
    assert _differences(world, "public_addresses") == (
        "k8snet-worker1 public-ipv6: expected fd00:1::2, found fd00:1::3 (its InternalIP)",
        "nodes that announce fd00:1::3: expected one node, found k8snet-worker1, k8snet-worker2",
    )


def test_without_families_nothing_is_known(world):
    for item in world.object("nodes")["items"]:
        item["spec"].clear()
    world.object("services")["items"].clear()
    with pytest.raises(Inconclusive, match="families of the pod network are unknown"):
        world.cluster.comparison("flannel_annotations")


def test_public_ip_of_another_node(world):
    """As in Vagrant, where every machine's first interface has the same address."""
    _mark(world, "public-ip", "10.0.2.15")
    _mark(world, "public-ip", "10.0.2.15", WORKER2)
    assert _differences(world, "public_addresses") == (
        "k8snet-worker1 public-ip: expected 172.30.0.12, found 10.0.2.15 (its InternalIP)",
        "k8snet-worker2 public-ip: expected 172.30.0.13, found 10.0.2.15 (its InternalIP)",
        "nodes that announce 10.0.2.15: expected one node, found k8snet-worker1, k8snet-worker2",
    )


def test_the_operator_overwrites_it(world):
    _mark(world, "public-ip-overwrite", "203.0.113.7")
    assert _differences(world, "public_addresses") == (
        "k8snet-worker1 public-ip: expected 203.0.113.7, found 172.30.0.12 (annotation public-ip-overwrite)",
    )
    _mark(world, "public-ip", "203.0.113.7")
    assert _differences(world, "public_addresses") == ()


def test_no_public_ip(world):
    _mark(world, "public-ip", None)
    _mark(world, "public-ip", None, WORKER2)
    assert _differences(world, "public_addresses") == (
        "k8snet-worker1 public-ip: expected 172.30.0.12, found nothing (its InternalIP)",
        "k8snet-worker2 public-ip: expected 172.30.0.13, found nothing (its InternalIP)",
    )


def test_a_node_without_an_internal_ip(world):
    world.api_node(WORKER1)["status"]["addresses"] = [{"type": "ExternalIP", "address": "172.30.0.12"}]
    assert _differences(world, "public_addresses") == (
        "k8snet-worker1 public-ip: expected an IPv4 InternalIP, found 172.30.0.12 (the node has no IPv4 InternalIP)",
    )


def _iface(world, *words):
    (daemonset,) = world.object("daemonsets/kube-flannel")["items"]
    daemonset["spec"]["template"]["spec"]["containers"][0].setdefault("args", []).extend(words)


def test_an_interface_that_flannel_was_told(world):
    text = world.text("addresses").replace('"172.30.0.12"', '"192.0.2.12"')
    world.write("addresses", text)
    _mark(world, "public-ip", "192.0.2.12")
    assert len(_differences(world, "public_addresses")) == 1
    _iface(world, "--iface=eth1")
    assert _differences(world, "public_addresses") == ()
    _mark(world, "public-ip", "192.0.2.99")
    assert "expected 172.30.0.12, found 192.0.2.99" in _differences(world, "public_addresses")[0]


def test_an_interface_that_flannel_was_told_on_a_node_that_was_not_read(world):
    _iface(world, "--iface=eth1")
    _mark(world, "public-ip", "192.0.2.12")
    world.drop("addresses")
    with pytest.raises(Inconclusive, match=r"which address to announce \(--iface=eth1\), and k8snet-worker1: addresses was not read"):
        world.cluster.comparison("public_addresses")


@pytest.mark.parametrize("name", ["flannel_annotations", "public_addresses"])
def test_without_nodes(world, name):
    cluster = world.cluster
    refuse(world, "nodes")
    with pytest.raises(Inconclusive, match="nodes was not read"):
        cluster.comparison(name)
