"""Whoever reaches a node from outside reaches the NodePorts there."""

from pytest_k8snet import requirement


@requirement("NET-EXTERNAL-001")
def test_node_port(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
