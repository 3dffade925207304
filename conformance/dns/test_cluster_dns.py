"""Cluster DNS itself: Service, replicas, endpoints, health, configuration."""

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


@requirement("NET-DNS-002")
def test_service(cluster):
    assert cluster.dns_service == cluster.expected_dns_service, cluster.explain("dns_service")


@requirement("NET-DNS-016")
def test_corefile(cluster):
    assert cluster.corefile_plugins == cluster.expected_corefile_plugins, cluster.explain("corefile_plugins")
