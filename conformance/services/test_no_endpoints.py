"""A Service without endpoints refuses at once, so that clients fail over instead of waiting."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-018")
def test_refused(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.quick, f"took {cell.seconds:.2f} s: {cell}"
