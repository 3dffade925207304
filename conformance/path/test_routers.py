"""The routers between pods of two nodes: the own node's bridge, then the other node's tunnel device."""

from pytest_k8snet import requirement


@requirement("NET-PATH-005")
def test_routers_on_the_way(cell):
    assert cell.hops == cell.expected_hops, str(cell)
