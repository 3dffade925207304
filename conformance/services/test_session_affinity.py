"""With ClientIP affinity all requests of one client go to one backend, until it is switched off or its time is over."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-015")
def test_cluster_ip(scenario):
    assert scenario.cluster_ip_affinity == scenario.expected_cluster_ip_affinity, scenario.explain("cluster_ip_affinity")


@requirement("NET-SERVICE-016")
def test_node_port(scenario):
    assert scenario.node_port_affinity == scenario.expected_node_port_affinity, scenario.explain("node_port_affinity")


@requirement("NET-SERVICE-017")
def test_timeout(scenario):
    assert scenario.affinity_timeout == scenario.expected_affinity_timeout, scenario.explain("affinity_timeout")
