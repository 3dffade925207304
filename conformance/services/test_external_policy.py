"""externalTrafficPolicy Local: who comes from outside is seen as himself, and only nodes with a backend answer him."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-011")
def test_client_is_kept(scenario):
    assert scenario.client_kept == scenario.expected_client_kept, scenario.explain("client_kept")


@requirement("NET-SERVICE-012")
def test_nodes_without_backend(scenario):
    assert scenario.nodes_without_backend == scenario.expected_nodes_without_backend, scenario.explain("nodes_without_backend")


@requirement("NET-SERVICE-013")
def test_health_check_port(scenario):
    assert scenario.health_port == scenario.expected_health_port, scenario.explain("health_port")
