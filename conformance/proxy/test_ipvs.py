"""kube-proxy in ipvs mode: every Service is a virtual server, and the mode has what it needs."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-029")
def test_virtual_servers(node):
    assert node.ipvs_servers == node.expected_ipvs_servers, node.explain("ipvs_servers")


@requirement("NET-PROXY-030")
def test_settings(node):
    assert node.ipvs_settings == node.expected_ipvs_settings, node.explain("ipvs_settings")
