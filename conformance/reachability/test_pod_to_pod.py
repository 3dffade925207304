"""Pods reach pods at their own addresses, on the same and on every other node (Kubernetes network model: no proxy in between)."""

from pytest_k8snet import requirement


@requirement("NET-REACH-003")
def test_same_node_tcp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-004")
def test_same_node_udp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-005")
def test_other_node_tcp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-006")
def test_other_node_udp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-007")
def test_same_node_icmp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-008")
def test_other_node_icmp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
