"""flannel runs on every node and was told the right network and the right settings of its plugins."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-001")
def test_runs_everywhere(cluster):
    assert cluster.flannel_pods == cluster.expected_flannel_pods, cluster.explain("flannel_pods")


@requirement("NET-FLANNEL-002")
def test_network_holds_pod_cidrs(cluster):
    assert cluster.pod_network == cluster.expected_pod_network, cluster.explain("pod_network")


@requirement("NET-FLANNEL-012")
def test_network_available(node):
    assert node.network_condition == node.expected_network_condition, node.explain("network_condition")


@requirement("NET-FLANNEL-003")
def test_pod_cidrs_overlap_nothing(cluster):
    assert cluster.pod_cidrs == cluster.expected_pod_cidrs, cluster.explain("pod_cidrs")


@requirement("NET-FLANNEL-007")
def test_plugin_settings(cluster):
    assert cluster.cni_settings == cluster.expected_cni_settings, cluster.explain("cni_settings")


@requirement("NET-FLANNEL-026")
def test_health(node):
    assert node.flannel_answers == node.expected_flannel_answers, node.explain("flannel_answers")
