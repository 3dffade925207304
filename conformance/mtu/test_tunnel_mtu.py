"""The tunnel leaves room for its own headers."""

from pytest_k8snet import requirement


@requirement("NET-MTU-001")
def test_tunnel_device(node):
    assert node.tunnel_mtu == node.expected_tunnel_mtu, node.explain("tunnel_mtu")


@requirement("NET-MTU-002")
def test_devices_of_pods(node):
    assert node.device_mtu == node.expected_device_mtu, node.explain("device_mtu")


@requirement("NET-MTU-007")
def test_all_nodes_agree(cluster):
    assert cluster.pod_mtu == cluster.expected_pod_mtu, cluster.explain("pod_mtu")
