"""A pod sees the address of the pod that calls it: the network model allows no translation between pods."""

from pytest_k8snet import requirement


@requirement("NET-NAT-001")
def test_same_node(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)


@requirement("NET-NAT-002")
def test_other_node(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)
