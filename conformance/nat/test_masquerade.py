"""Pod traffic is masqueraded when it leaves the pod network, and only then: judged by walking the rules."""

from pytest_k8snet import requirement


@requirement("NET-NAT-008")
def test_covers_every_pod_cidr(node):
    assert node.egress == node.expected_egress, node.explain("egress")


@requirement("NET-NAT-009")
def test_spares_traffic_between_pods(node):
    assert node.between_pods == node.expected_between_pods, node.explain("between_pods")


@requirement("NET-NAT-010")
def test_marks_are_not_shared(node):
    assert node.foreign_marks == node.expected_foreign_marks, node.explain("foreign_marks")


@requirement("NET-NAT-011")
def test_random_ports(node):
    assert node.random_ports == node.expected_random_ports, node.explain("random_ports")
