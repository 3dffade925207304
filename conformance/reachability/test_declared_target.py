"""Pods reach the outside target that the operator declared; the network model itself promises nothing outside the cluster."""

from pytest_k8snet import requirement


@requirement("NET-REACH-019")
def test_tcp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
