"""Every node is ready, its network included."""

from pytest_k8snet import requirement


@requirement("NET-NODE-013")
def test_ready(node):
    assert node.ready_condition == node.expected_ready_condition, node.explain("ready_condition")
