"""Service packets whose answer must come back this way are marked, and marked packets are masqueraded."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-008")
def test_marked_packets_are_masqueraded(node):
    assert node.marked_traffic == node.expected_marked_traffic, node.explain("marked_traffic")


@requirement("NET-PROXY-010")
def test_hairpin_and_node_port_packets_are_marked(node):
    assert node.service_marks == node.expected_service_marks, node.explain("service_marks")


@requirement("NET-PROXY-011")
def test_only_marked_packets_are_masqueraded(node):
    assert node.masquerade_rules == node.expected_masquerade_rules, node.explain("masquerade_rules")
