"""The kernel forwards pod traffic and shows bridged packets to the rules, and no rule stops it."""

from pytest_k8snet import requirement


@requirement("NET-NODE-001")
def test_forwarding_is_on(node):
    assert node.forwarding == node.expected_forwarding, node.explain("forwarding")


@requirement("NET-NODE-002")
def test_bridged_traffic_reaches_iptables(node):
    assert node.bridged_traffic == node.expected_bridged_traffic, node.explain("bridged_traffic")


@requirement("NET-NODE-007")
def test_forwarding_is_accepted(node):
    assert node.forwarding_verdicts == node.expected_forwarding_verdicts, node.explain("forwarding_verdicts")


@requirement("NET-NODE-015")
def test_localhost_node_ports(node):
    assert node.localhost == node.expected_localhost, node.explain("localhost")
