"""The container runtime looks for CNI files where the plugin puts them."""

from pytest_k8snet import requirement


@requirement("NET-NODE-018")
def test_cni_paths(node):
    assert node.runtime_paths == node.expected_runtime_paths, node.explain("runtime_paths")
