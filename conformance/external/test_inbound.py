"""Whoever reaches a node from outside reaches the NodePorts there."""

from pytest_k8snet import requirement


@requirement("NET-EXTERNAL-001")
def test_node_port(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers <= cell.expected_servers, str(cell)


@requirement("NET-EXTERNAL-002")
def test_node_port_udp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers <= cell.expected_servers, str(cell)


@requirement("NET-EXTERNAL-007")
def test_pod_address(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
