"""Who is reached by another pod reaches it too: one direction alone points at one node's rules, not at the path."""

from pytest_k8snet import requirement


@requirement("NET-REACH-018")
def test_both_ways(cell):
    assert cell.mutual, str(cell)
