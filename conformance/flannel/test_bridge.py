"""The bridge of a node's pods is as flannel's CNI plugin makes it: it carries the podCIDR, and returns a packet to its sender's port."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-018")
def test_bridge(node):
    assert node.pod_bridge == node.expected_pod_bridge, node.explain("pod_bridge")


@requirement("NET-FLANNEL-019")
def test_hairpin(node):
    assert node.hairpin == node.expected_hairpin, node.explain("hairpin")
