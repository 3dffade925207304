"""Cluster DNS itself: replicas, endpoints, health."""

from pytest_k8snet import requirement


@requirement("NET-DNS-001")
def test_two_replicas(cluster):
    assert cluster.dns_replicas == cluster.expected_dns_replicas, cluster.explain("dns_replicas")


@requirement("NET-DNS-003")
def test_ready_endpoints(cluster):
    assert cluster.dns_endpoints == cluster.expected_dns_endpoints, cluster.explain("dns_endpoints")


@requirement("NET-DNS-015")
def test_no_loop(cluster):
    assert cluster.dns_logs == cluster.expected_dns_logs, cluster.explain("dns_logs")
