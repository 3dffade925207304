"""The kernel has what the pod network needs, drops nothing of it, and has room for its connections."""

from pytest_k8snet import requirement


@requirement("NET-NODE-003")
def test_module_of_the_backend(node):
    assert node.backend_module == node.expected_backend_module, node.explain("backend_module")


@requirement("NET-NODE-004")
def test_reverse_path_filter(node):
    assert node.reverse_path == node.expected_reverse_path, node.explain("reverse_path")


@requirement("NET-NODE-005")
def test_connection_tracking(node):
    assert node.tracking == node.expected_tracking, node.explain("tracking")


@requirement("NET-NODE-017")
def test_local_ports(node):
    assert node.local_ports == node.expected_local_ports, node.explain("local_ports")
