"""How a ClusterIP reacts to what no Service offers there is recorded, never demanded."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-026")
def test_ping_and_wrong_port(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
