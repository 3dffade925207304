"""Ports and type of a Service mean what its definition says, also after it was changed."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-021")
def test_ports(scenario):
    assert scenario.ports == scenario.expected_ports, scenario.explain("ports")


@requirement("NET-SERVICE-022")
def test_types(scenario):
    assert scenario.types == scenario.expected_types, scenario.explain("types")
