"""A hostPort belongs to one address and one protocol of the node, so that pods can share its number."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-025")
def test_host_ports(scenario):
    assert scenario.host_ports == scenario.expected_host_ports, scenario.explain("host_ports")
