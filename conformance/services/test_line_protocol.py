"""A request over TCP is answered through a Service, asked by its ClusterIP and by its name."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-004")
def test_request_and_answer(cell):
    assert cell.outcome in cell.documented.outcomes, str(cell)
    assert cell.servers <= cell.expected_servers, str(cell)
    assert cell.named == cell.expected_named, str(cell)
