"""A node has the address that the API names, no network of its own inside the cluster's ranges, and an identity of its own."""

from pytest_k8snet import requirement


@requirement("NET-NODE-010")
def test_ranges(node):
    assert node.ranges == node.expected_ranges, node.explain("ranges")


@requirement("NET-NODE-012")
def test_identity(cluster):
    assert cluster.identity == cluster.expected_identity, cluster.explain("identity")


@requirement("NET-NODE-014")
def test_internal_address(node):
    assert node.internal_address == node.expected_internal_address, node.explain("internal_address")
