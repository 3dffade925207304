"""Packets to a Service reach its endpoints, whoever sends them: judged by walking the rules, not by their names."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-007")
def test_pods_and_node_are_translated(node):
    assert node.service_hooks == node.expected_service_hooks, node.explain("service_hooks")


@requirement("NET-PROXY-017")
def test_every_service_port(node):
    assert node.service_entries == node.expected_service_entries, node.explain("service_entries")


@requirement("NET-PROXY-018")
def test_endpoint_sets(node):
    assert node.endpoint_sets == node.expected_endpoint_sets, node.explain("endpoint_sets")


@requirement("NET-PROXY-019")
def test_balancing(node):
    assert node.balancing == node.expected_balancing, node.explain("balancing")


@requirement("NET-PROXY-022")
def test_no_endpoints(node):
    assert node.rejections == node.expected_rejections, node.explain("rejections")
