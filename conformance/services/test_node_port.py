"""A NodePort answers at every node's address, also where no backend runs (external traffic policy Cluster)."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-007")
def test_node_port(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
