"""The node's own resolver file, which CoreDNS and Default pods inherit."""

from pytest_k8snet import requirement


@requirement("NET-DNS-014")
def test_no_loopback_server(node):
    assert node.resolver_file == node.expected_resolver_file, node.explain("resolver_file")
