"""The runtime finds flannel's CNI configuration before any other, and the programs that it calls."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-008")
def test_first_configuration(node):
    assert node.first_cni_file == node.expected_first_cni_file, node.explain("first_cni_file")


@requirement("NET-FLANNEL-009")
def test_programs(node):
    assert node.cni_programs == node.expected_cni_programs, node.explain("cni_programs")
