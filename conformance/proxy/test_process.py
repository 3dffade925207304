"""kube-proxy runs on every node, in the mode it was told."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-001")
def test_runs_everywhere(cluster):
    assert cluster.proxy_pods == cluster.expected_proxy_pods, cluster.explain("proxy_pods")


@requirement("NET-PROXY-002")
def test_mode(node):
    assert node.mode_sources == node.expected_mode_sources, node.explain("mode_sources")
