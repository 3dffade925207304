"""1 MiB arrives intact in both directions: connections that open and then stall have an MTU hole on their way."""

from pytest_k8snet import requirement


@requirement("NET-MTU-005")
def test_intact(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-MTU-006")
def test_intact_through_services_and_outward(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
