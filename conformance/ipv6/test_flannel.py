"""flannel programs the same state for IPv6 as for IPv4, on a tunnel device of its own (flannel, dual-stack)."""

from pytest_k8snet import requirement


@requirement("NET-IPV6-007")
def test_state(node):
    assert node.flannel_ipv6 == node.expected_flannel_ipv6, node.explain("flannel_ipv6")
    assert node.flannel_ipv6_rules == node.expected_flannel_ipv6_rules, node.explain("flannel_ipv6_rules")
