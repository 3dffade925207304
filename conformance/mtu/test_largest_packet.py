"""A packet as large as the pod's MTU passes between nodes without fragmentation."""

from pytest_k8snet import requirement


@requirement("NET-MTU-003")
def test_passes(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)


@requirement("NET-MTU-004")
def test_one_byte_more_is_reported(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
