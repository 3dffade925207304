"""The TTL of an echo reply counts the routers on its way: none on a bridge, one between a node and a remote pod, two between
pods of two nodes."""

from pytest_k8snet import requirement


@requirement("NET-PATH-001")
def test_same_node(cell):
    assert cell.ttl == cell.expected_ttl, str(cell)


@requirement("NET-PATH-002")
def test_between_pods(cell):
    assert cell.ttl == cell.expected_ttl, str(cell)


@requirement("NET-PATH-003")
def test_between_node_and_pod(cell):
    assert cell.ttl == cell.expected_ttl, str(cell)
