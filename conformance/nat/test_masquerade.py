"""Pod traffic is masqueraded when it leaves the pod network, and only then: judged by walking the rules."""

from pytest_k8snet import requirement


@requirement("NET-NAT-008")
def test_covers_every_pod_cidr(node):
    assert node.egress == node.expected_egress, node.explain("egress")


@requirement("NET-NAT-009")
def test_spares_traffic_between_pods(node):
    assert node.between_pods == node.expected_between_pods, node.explain("between_pods")
