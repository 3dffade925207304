"""flannel's backends besides vxlan and host-gw have their device, port, routes and peers."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-025")
def test_device_of_the_backend(node):
    assert node.other_tunnel == node.expected_other_tunnel, node.explain("other_tunnel")
