"""Service packets whose answer must come back this way are marked, and marked packets are masqueraded."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-008")
def test_marked_packets_are_masqueraded(node):
    assert node.marked_traffic == node.expected_marked_traffic, node.explain("marked_traffic")


@requirement("NET-PROXY-010")
def test_mark(node):
    assert node.service_marks == node.expected_service_marks, node.explain("service_marks")


@requirement("NET-PROXY-011")
def test_only_marked_packets_are_masqueraded(node):
    assert node.masquerade_rules == node.expected_masquerade_rules, node.explain("masquerade_rules")


@requirement("NET-PROXY-020")
def test_hairpin(node):
    assert node.hairpins == node.expected_hairpins, node.explain("hairpins")


@requirement("NET-PROXY-021")
def test_off_cluster_source(node):
    assert node.off_cluster == node.expected_off_cluster, node.explain("off_cluster")
