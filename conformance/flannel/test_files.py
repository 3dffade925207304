"""The files flannel leaves on a node say what the API says."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-004")
def test_subnet_env_is_complete(node):
    assert node.subnet_keys == node.expected_subnet_keys, node.explain("subnet_keys")


@requirement("NET-FLANNEL-005")
def test_subnet_env_values(node):
    assert node.subnet_values == node.expected_subnet_values, node.explain("subnet_values")


@requirement("NET-FLANNEL-006")
def test_cni_configuration(node):
    assert node.cni_file == node.expected_cni_file, node.explain("cni_file")
