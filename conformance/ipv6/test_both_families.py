"""IPv6 on the nodes, and both families on nodes and pods where the cluster has two."""

from pytest_k8snet import requirement


@requirement("NET-IPV6-001")
def test_node_prerequisites(node):
    assert node.ipv6_prerequisites == node.expected_ipv6_prerequisites, node.explain("ipv6_prerequisites")


@requirement("NET-IPV6-002")
def test_both_families(cluster):
    assert cluster.both_families == cluster.expected_both_families, cluster.explain("both_families")
