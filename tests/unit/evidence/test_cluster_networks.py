"""podCIDRs against every other network, and kube-proxy's clusterCIDR."""

import contextlib
from ipaddress import IPv4Network, ip_network

import pytest
from evidence_world import WORKER1, WORKER2
from hypothesis import given
from hypothesis import strategies as st
from object_world import dual, kubeadm, refuse

from pytest_k8snet.evidence.networks import family, holds, listed, networks, plain
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable


def _cidrs(world, node, *cidrs):
    world.api_node(node)["spec"].update(podCIDR=cidrs[0] if cidrs else "", podCIDRs=list(cidrs))


def _found(world, node):
    return world.cluster.comparison("pod_cidrs").actual[node]


def test_a_node_without_a_pod_cidr(world):
    _cidrs(world, WORKER1)
    assert world.cluster.explain("pod_cidrs") == (
        "cluster: podCIDRs of the nodes (podSubnet 10.244.0.0/16; compared with serviceSubnet, ClusterIPs, addresses of the nodes,"
        " networks of the nodes' devices)\n"
        "  k8snet-worker1: expected podCIDRs of its own, inside podSubnet, that overlap nothing, found no podCIDR"
    )


@pytest.mark.parametrize(
    ("cidr", "found"),
    [
        ("10.244.3.0/24", "10.244.3.0/24 overlaps 10.244.3.0/24 (podCIDR of k8snet-worker2)"),
        ("10.244.3.128/25", "10.244.3.128/25 overlaps 10.244.3.0/24 (podCIDR of k8snet-worker2)"),
        ("10.245.1.0/24", "10.245.1.0/24 outside podSubnet"),
        ("10.96.7.0/24", "10.96.7.0/24 outside podSubnet; 10.96.7.0/24 overlaps 10.96.0.0/16 (serviceSubnet)"),
    ],
)
def test_a_pod_cidr_in_the_wrong_place(world, cidr, found):
    _cidrs(world, WORKER1, cidr)
    assert _found(world, WORKER1) == found


def test_a_pod_cidr_over_the_nodes_own_network(world):
    kubeadm(world, "podSubnet: 10.244.0.0/16", "podSubnet: 172.16.0.0/12")
    _cidrs(world, WORKER1, "172.30.0.0/24")
    found = _found(world, WORKER1)
    assert "172.30.0.0/24 overlaps 172.30.0.11/32 (addresses of the nodes)" in found
    assert "172.30.0.0/24 overlaps 172.30.0.0/24 (networks of the nodes' devices)" in found


def test_a_host_network_that_holds_no_node_address_of_the_pod_cidr(world):
    """Only the node's own devices show that its network is wider than its address."""
    kubeadm(world, "podSubnet: 10.244.0.0/16", "podSubnet: 172.16.0.0/12")
    _cidrs(world, WORKER1, "172.30.0.128/25")
    assert _found(world, WORKER1) == "172.30.0.128/25 overlaps 172.30.0.0/24 (networks of the nodes' devices)"


def test_services_of_a_range_that_kubeadm_does_not_name(world):
    world.object("services")["items"][0]["spec"].update(clusterIP="10.244.1.5", clusterIPs=["10.244.1.5"])
    assert _found(world, WORKER1) == "10.244.1.0/24 overlaps 10.244.1.5/32 (ClusterIPs)"


def test_both_families_are_judged(world):
    dual(world)
    assert not world.cluster.comparison("pod_cidrs").differences
    _cidrs(world, WORKER1, "10.244.1.0/24", "fd00:10:0:2::/64")
    assert _found(world, WORKER1) == "fd00:10:0:2::/64 overlaps fd00:10:0:2::/64 (podCIDR of k8snet-worker2)"
    _cidrs(world, WORKER1, "10.244.1.0/24", "fd00:96::/112")
    assert "fd00:96::/112 outside podSubnet; fd00:96::/112 overlaps fd00:96::/112 (serviceSubnet)" in _found(world, WORKER1)


def test_without_kubeadm_the_rest_is_judged(world):
    refuse(world, "configmap/kube-system/kubeadm-config", 404, "not found")
    _cidrs(world, WORKER1, "10.245.1.0/24")
    assert not world.cluster.comparison("pod_cidrs").differences
    _cidrs(world, WORKER1, "10.244.3.0/24")
    assert "(kubeadm names no podSubnet;" in world.cluster.explain("pod_cidrs")
    assert "overlaps" in _found(world, WORKER2)


@pytest.mark.parametrize("name", ["configmap/kube-system/kubeadm-config", "services", "nodes"])
def test_a_network_that_was_not_read_is_no_pass(world, name):
    cluster = world.cluster
    refuse(world, name)
    with pytest.raises(Inconclusive, match=f"{name} was not read: the API answered 403"):
        cluster.comparison("pod_cidrs")


def test_a_node_whose_devices_were_not_read_among_others_that_were(world):
    world.fail("addresses", "timed out")
    with pytest.raises(Inconclusive, match=r"k8snet-worker1: addresses .* timed out"):
        world.cluster.comparison("pod_cidrs")


def test_without_any_node_read_the_devices_are_not_named(world):
    world.recording.streams["facts"].clear()
    assert "devices" not in world.cluster.explain("pod_cidrs")


def test_a_pod_cidr_that_is_none(world):
    _cidrs(world, WORKER1, "10.244.1.0/24", "10.244.one")
    with pytest.raises(Exception, match=r"10\.244\.one"):
        world.cluster.comparison("pod_cidrs")


def _proxy(world, old, new):
    data = world.object("configmap/kube-system/kube-proxy")["data"]
    assert old in data["config.conf"]
    data["config.conf"] = data["config.conf"].replace(old, new)


def test_cluster_cidr_of_another_network(world):
    _proxy(world, "clusterCIDR: 10.244.0.0/16", "clusterCIDR: 10.0.0.0/8")
    assert world.cluster.explain("cluster_cidr") == (
        "cluster: clusterCIDR in config.conf of ConfigMap kube-system/kube-proxy\n"
        "  IPv4: expected 10.244.0.0/16, found 10.0.0.0/8 (podSubnet of ConfigMap kube-system/kubeadm-config)"
    )


@pytest.mark.parametrize("cidr", ['""', "null"])
def test_cluster_cidr_is_empty(world, cidr):
    _proxy(world, "clusterCIDR: 10.244.0.0/16", f"clusterCIDR: {cidr}")
    assert "IPv4: expected 10.244.0.0/16, found nothing" in world.cluster.explain("cluster_cidr")


def test_cluster_cidr_of_one_family_only(world):
    dual(world)
    assert "IPv6: expected fd00:10::/48, found nothing" in world.cluster.explain("cluster_cidr")
    _proxy(world, "clusterCIDR: 10.244.0.0/16", "clusterCIDR: 10.244.0.0/16,fd00:10::/48")
    assert not world.cluster.comparison("cluster_cidr").differences


def test_another_detector_does_not_read_it(world):
    _proxy(world, "detectLocalMode: ''", "detectLocalMode: NodeCIDR")
    _proxy(world, "clusterCIDR: 10.244.0.0/16", "clusterCIDR: 10.0.0.0/8")
    with pytest.raises(NotApplicable, match="detectLocalMode NodeCIDR, which does not read clusterCIDR"):
        world.cluster.comparison("cluster_cidr")


def test_neither_names_a_network(world):
    _proxy(world, "clusterCIDR: 10.244.0.0/16", 'clusterCIDR: ""')
    kubeadm(world, "  podSubnet: 10.244.0.0/16\n", "")
    with pytest.raises(NotApplicable, match="neither"):
        world.cluster.comparison("cluster_cidr")


@pytest.mark.parametrize("name", ["configmap/kube-system/kubeadm-config", "configmap/kube-system/kube-proxy"])
def test_a_side_that_was_not_read(world, name):
    refuse(world, name)
    with pytest.raises(Inconclusive, match=f"{name} was not read"):
        world.cluster.comparison("cluster_cidr")


@pytest.mark.parametrize("text", ["{", "kind: Other\n"])
def test_a_configuration_that_is_none(world, text):
    world.object("configmap/kube-system/kube-proxy")["data"]["config.conf"] = text
    with pytest.raises(Inconclusive, match=r"config\.conf cannot be understood"):
        world.cluster.comparison("cluster_cidr")


NETWORKS = st.one_of(
    st.builds(lambda bits, length: ip_network((bits, length), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(lambda bits, length: ip_network((bits, length), strict=False), st.integers(2**33, 2**128 - 1), st.integers(0, 128)),
)


@given(one=NETWORKS, other=NETWORKS)
def test_a_network_holds_exactly_what_lies_inside(one, other):
    inside = family(one) == family(other) and one[0] <= other[0] and other[-1] <= one[-1]
    assert holds(one, other) is inside


@given(found=st.lists(NETWORKS, max_size=3))
def test_a_list_with_commas_is_read_back(found):
    assert listed("podSubnet", ", ".join(map(str, found))) == tuple(found)


@given(text=st.text(max_size=30))
def test_any_text_is_networks_or_inconclusive(text):
    with contextlib.suppress(Inconclusive):
        assert all(isinstance(network.num_addresses, int) for network in networks("somewhere", [text]))


def test_what_is_no_network_is_named():
    with pytest.raises(Inconclusive, match=r"podCIDR of w1: '10\.4\.x' is no network"):
        networks("podCIDR of w1", ["10.4.x"])


def test_one_spelling():
    assert plain("fd00:0:0::1") == plain("FD00::1") == "fd00::1"
    assert plain("no address") == "no address"
    assert listed("x", None) == ()
    assert listed("x", "10.0.0.0/8") == (IPv4Network("10.0.0.0/8"),)
