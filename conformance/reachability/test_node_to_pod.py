"""Processes of a node reach pods: the own ones, as kubelet's probes need it, and those of other nodes, because on Linux a
hostNetwork pod is a pod like any other."""

from pytest_k8snet import requirement


@requirement("NET-REACH-009")
def test_own_node(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-010")
def test_other_node_tcp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-REACH-011")
def test_other_node_udp(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
