"""The network model holds for IPv6 addresses as for IPv4 ones, Services with a NodePort too (Kubernetes, dual-stack)."""

from pytest_k8snet import requirement


@requirement("NET-IPV6-003")
def test_pods_and_nodes(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert not cell.documented.source or cell.source_seen <= cell.expected_source, str(cell)


@requirement("NET-IPV6-008")
def test_node_port(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers <= cell.expected_servers, str(cell)
