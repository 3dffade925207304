"""A pod reaches itself: its containers share one network namespace, and its own address is one of that namespace."""

from pytest_k8snet import requirement


@requirement("NET-REACH-001")
def test_loopback(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-002")
def test_own_address(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
