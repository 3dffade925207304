"""A pod reaches itself through its own Service; translation to an address of its node is what makes the answer come back."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-006")
def test_hairpin(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers == cell.expected_servers, str(cell)
    assert cell.source_seen <= cell.expected_source, str(cell)
