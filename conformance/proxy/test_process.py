"""kube-proxy runs on every node, in the mode and for the networks it was told, and fits the API server."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-001")
def test_runs_everywhere(cluster):
    assert cluster.proxy_pods == cluster.expected_proxy_pods, cluster.explain("proxy_pods")


@requirement("NET-PROXY-002")
def test_mode(node):
    assert node.mode_sources == node.expected_mode_sources, node.explain("mode_sources")


@requirement("NET-PROXY-005")
def test_cluster_cidr(cluster):
    assert cluster.cluster_cidr == cluster.expected_cluster_cidr, cluster.explain("cluster_cidr")


@requirement("NET-PROXY-006")
def test_version(cluster):
    assert cluster.proxy_versions == cluster.expected_proxy_versions, cluster.explain("proxy_versions")


@requirement("NET-PROXY-003")
def test_health(node):
    assert node.proxy_health == node.expected_proxy_health, node.explain("proxy_health")


@requirement("NET-PROXY-004")
def test_leftovers(node):
    assert node.leftovers == node.expected_leftovers, node.explain("leftovers")
