"""kube-proxy programs Services for IPv6 as for IPv4 (kube-proxy, dual-stack)."""

from pytest_k8snet import requirement


@requirement("NET-IPV6-006")
def test_rules(node):
    assert node.cluster_ips_ipv6 == node.expected_cluster_ips_ipv6, node.explain("cluster_ips_ipv6")
    assert node.node_ports_ipv6 == node.expected_node_ports_ipv6, node.explain("node_ports_ipv6")
