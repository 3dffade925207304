"""Addresses of all pods: unique, and of both families on a dual-stack cluster."""

import pytest
from evidence_world import WORKER1, WORKER2
from object_world import SECOND, dual, kubeadm, pod, pods, refuse

from pytest_k8snet.model.verdict import Inconclusive


def test_two_pods_share_an_address(world):
    pods(world, pod("a", "10.244.1.9", node=WORKER1), pod("b", "10.244.1.9", node=WORKER2, namespace="shop"), pod("c", "10.244.1.8"))
    assert world.cluster.explain("pod_addresses") == (
        "cluster: addresses of running pods on the pod network, all namespaces\n"
        "  10.244.1.9: expected one pod, found default/a on k8snet-worker1, shop/b on k8snet-worker2"
    )


@pytest.mark.parametrize(
    "other",
    [
        pod("b", "10.244.1.9", host=True),
        pod("b", "10.244.1.9", phase="Succeeded"),
        pod("b", "10.244.1.9", phase="Failed"),
        pod("b", phase="Running"),
    ],
    ids=["hostNetwork", "succeeded", "failed", "without address"],
)
def test_who_does_not_count(world, other):
    pods(world, pod("a", "10.244.1.9"), other)
    assert not world.cluster.comparison("pod_addresses").differences


def test_the_second_address_counts_and_its_spelling_does_not(world):
    pods(world, pod("a", "10.244.1.9", "fd00::0009"), pod("b", "10.244.1.8", "fd00::9"))
    assert "fd00::9: expected one pod, found default/a on k8snet-control, default/b" in world.cluster.explain("pod_addresses")


def test_a_pod_of_an_older_api_has_one_address(world):
    older = pod("a", "10.244.1.9")
    del older["status"]["podIPs"]
    pods(world, older, pod("b", "10.244.1.9"))
    assert "10.244.1.9" in world.cluster.explain("pod_addresses")


def test_a_pod_that_is_being_deleted_leaves_it_open(world):
    pods(world, pod("a", "10.244.1.9"), pod("b", "10.244.1.9", leaving=True))
    with pytest.raises(Inconclusive, match=r"10.244.1.9 is the address of default/a on k8snet-control, default/b on .* just being deleted"):
        world.cluster.comparison("pod_addresses")


def test_what_is_certain_is_not_hidden_by_what_is_open(world):
    pods(world, pod("a", "10.244.1.9"), pod("b", "10.244.1.9", leaving=True), pod("c", "10.244.1.7"), pod("d", "10.244.1.7"))
    assert world.cluster.comparison("pod_addresses").differences == (
        "10.244.1.7: expected one pod, found default/c on k8snet-control, default/d on k8snet-control",
    )


def test_an_older_recording_has_no_list_of_all_pods(world):
    world.recording.streams["objects"] = [entry for entry in world.recording.streams["objects"] if entry["name"] != "pods"]
    with pytest.raises(Inconclusive, match="pods was not read: it was not asked for"):
        world.cluster.comparison("pod_addresses")


def test_no_right_to_list_all_pods(world):
    pods(world, status=403)
    with pytest.raises(Inconclusive, match="pods was not read: the API answered 403 pods is forbidden"):
        world.cluster.comparison("pod_addresses")


def test_no_pod_at_all_is_no_agreement(world):
    pods(world)
    with pytest.raises(Inconclusive, match="name nothing that could be compared"):
        world.cluster.comparison("pod_addresses")


@pytest.fixture
def both(world):
    dual(world)
    pods(world, pod("a", "10.244.1.9", "fd00:10:0:1::9"), pod("host", "172.30.0.11", host=True))
    return world


def test_both_families_in_order(both):
    comparison = both.cluster.comparison("both_families")
    assert comparison.differences == ()
    assert set(comparison.expected.values()) == {("IPv4", "IPv6"), ("10.244.1.9",)}


def test_an_ipv6_first_cluster(both):
    kubeadm(both, "10.244.0.0/16,fd00:10::/48", "fd00:10::/48,10.244.0.0/16")
    text = both.cluster.explain("both_families")
    assert f"node k8snet-worker1 podCIDRs: expected IPv6 IPv4, found IPv4 IPv6 (10.244.1.0/24 {SECOND[WORKER1]})" in text
    assert "pod default/a podIPs: expected IPv6 IPv4, found IPv4 IPv6" in text


def test_a_node_and_a_pod_lack_a_family(both):
    both.api_node(WORKER1)["spec"]["podCIDRs"].pop()
    pods(both, pod("a", "10.244.1.9"))
    assert both.cluster.comparison("both_families").differences == (
        "node k8snet-worker1 podCIDRs: expected IPv4 IPv6, found IPv4 (10.244.1.0/24)",
        "pod default/a podIPs: expected IPv4 IPv6, found IPv4 (10.244.1.9)",
    )


def test_two_addresses_of_one_family(both):
    pods(both, pod("a", "10.244.1.9", "10.244.1.8"))
    assert "pod default/a podIPs: expected IPv4 IPv6, found IPv4 IPv4" in both.cluster.explain("both_families")


def test_pod_ip_is_not_the_first(both):
    other = pod("a", "10.244.1.9", "fd00:10:0:1::9")
    other["status"]["podIP"] = "10.244.1.77"
    pods(both, other)
    assert both.cluster.comparison("both_families").differences == (
        "pod default/a podIP: expected 10.244.1.9, found 10.244.1.77 (the first of podIPs)",
    )


def test_without_kubeadm_most_nodes_tell_the_order(both):
    refuse(both, "configmap/kube-system/kubeadm-config", 404, "not found")
    both.api_node(WORKER2)["spec"]["podCIDRs"].reverse()
    assert [line.partition(":")[0] for line in both.cluster.comparison("both_families").differences] == ["node k8snet-worker2 podCIDRs"]


def test_without_kubeadm_config_the_order_is_unknown(both):
    refuse(both, "configmap/kube-system/kubeadm-config")
    with pytest.raises(Inconclusive, match="kubeadm-config was not read: the API answered 403"):
        both.cluster.comparison("both_families")


def test_no_order_anywhere(world):
    kubeadm(world, "  podSubnet: 10.244.0.0/16\n", "")
    with pytest.raises(Inconclusive, match="in which order"):
        world.cluster.comparison("both_families")
