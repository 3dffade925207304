"""Every pod has an address of its own, and it is the one that the API tells."""

from pytest_k8snet import requirement


@requirement("NET-REACH-016")
def test_addresses_are_unique(cluster):
    assert cluster.pod_addresses == cluster.expected_pod_addresses, cluster.explain("pod_addresses")


@requirement("NET-REACH-017")
def test_status_tells_the_address(node):
    assert node.pod_status == node.expected_pod_status, node.explain("pod_status")
