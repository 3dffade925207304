"""Pods reach outside what their node reaches, and leave with its address: nobody outside has a route to pods."""

from pytest_k8snet import requirement


@requirement("NET-EXTERNAL-004")
def test_pod(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-EXTERNAL-005")
def test_source_is_node(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)


@requirement("NET-EXTERNAL-006")
def test_node(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
