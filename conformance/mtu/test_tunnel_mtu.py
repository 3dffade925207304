"""The tunnel leaves room for its own headers."""

from pytest_k8snet import requirement


@requirement("NET-MTU-001")
def test_tunnel_device(node):
    assert node.tunnel_mtu == node.expected_tunnel_mtu, node.explain("tunnel_mtu")
