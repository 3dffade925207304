"""Which address arrives when a node is one of the two ends: a consequence of flannel's devices and masquerade rules."""

from pytest_k8snet import requirement


@requirement("NET-NAT-005")
def test_node_to_remote_pod(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)


@requirement("NET-NAT-006")
def test_pod_to_own_node(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)


@requirement("NET-NAT-007")
def test_pod_to_other_node(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)


@requirement("NET-NAT-004")
def test_node_to_local_pod(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)
