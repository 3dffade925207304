"""A pod is reached at the address that was dialled: nothing between pods translates it."""

from pytest_k8snet import requirement


@requirement("NET-NAT-003")
def test_address_is_kept(cell):
    assert cell.arrived <= cell.expected_arrived, str(cell)
