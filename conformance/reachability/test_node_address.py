"""Pods and nodes reach node addresses: on Linux a hostNetwork pod is a pod whose address is its node's."""

from pytest_k8snet import requirement


@requirement("NET-REACH-012")
def test_pod_to_own_node(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-013")
def test_pod_to_other_node(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-014")
def test_node_to_node(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
