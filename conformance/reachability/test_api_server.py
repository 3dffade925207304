"""Pods reach the API server through its Service and at each of its endpoints: controllers live in pods."""

from pytest_k8snet import requirement


@requirement("NET-REACH-015")
def test_tls(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
