"""A NodePort answers at every node's address, also where no backend runs (external traffic policy Cluster)."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-007")
def test_node_port(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers <= cell.expected_servers, str(cell)


@requirement("NET-SERVICE-008")
def test_at_its_own_address(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers <= cell.expected_servers, str(cell)


@requirement("NET-SERVICE-009")
def test_at_localhost(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers <= cell.expected_servers, str(cell)


@requirement("NET-SERVICE-010")
def test_source_is_an_address_of_the_receiving_node(cell):
    assert cell.source_seen <= cell.expected_source, str(cell)
