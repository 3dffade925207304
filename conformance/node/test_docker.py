"""Where the nodes run docker, it keeps out of the way of pods."""

from pytest_k8snet import requirement


@requirement("NET-NODE-008")
def test_chains(node):
    assert node.docker_chains == node.expected_docker_chains, node.explain("docker_chains")


@requirement("NET-NODE-009")
def test_bridge(node):
    assert node.docker_bridge == node.expected_docker_bridge, node.explain("docker_bridge")
