"""Every node announces to its peers what they need to reach it."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-010")
def test_annotations_are_complete(cluster):
    assert cluster.flannel_annotations == cluster.expected_flannel_annotations, cluster.explain("flannel_annotations")


@requirement("NET-FLANNEL-011")
def test_public_ip(cluster):
    assert cluster.public_addresses == cluster.expected_public_addresses, cluster.explain("public_addresses")
