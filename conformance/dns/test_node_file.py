"""The node's own resolver file, which CoreDNS and Default pods inherit."""

from pytest_k8snet import requirement


@requirement("NET-DNS-014")
def test_no_loopback_server(node):
    assert node.resolver_file == node.expected_resolver_file, node.explain("resolver_file")


@requirement("NET-DNS-004")
def test_kubelet_tells_cluster_dns(node):
    assert node.cluster_dns == node.expected_cluster_dns, node.explain("cluster_dns")
