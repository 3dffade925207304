"""A pod's hosts file and the name it has for itself."""

from pytest_k8snet import requirement


@requirement("NET-DNS-032")
def test_hosts_file(resolver):
    assert resolver.hosts == resolver.expected_hosts, resolver.explain("hosts")
