"""A ClusterIP reaches every ready endpoint from every node, and inside the cluster the backend sees who calls."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-001")
def test_pod_tcp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers == cell.expected_servers, str(cell)


@requirement("NET-SERVICE-002")
def test_pod_udp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers == cell.expected_servers, str(cell)


@requirement("NET-SERVICE-003")
def test_node(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers == cell.expected_servers, str(cell)


@requirement("NET-SERVICE-005")
def test_source_is_kept(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)
