"""What kube-proxy and kubelet let pass and drop beside Services: judged by walking packets."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-012")
def test_forwarding(node):
    assert node.proxied_forwarding == node.expected_proxied_forwarding, node.explain("proxied_forwarding")


@requirement("NET-PROXY-014")
def test_loopback(node):
    assert node.localnet_drop == node.expected_localnet_drop, node.explain("localnet_drop")


@requirement("NET-PROXY-016")
def test_node_ports(node):
    assert node.node_port_catch == node.expected_node_port_catch, node.explain("node_port_catch")
