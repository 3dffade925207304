"""flannel's rules by meaning: what leaves the pod network is masqueraded, what stays inside is not, and both may pass."""

from pytest_k8snet import requirement


@requirement("NET-FLANNEL-020")
def test_masquerade(node):
    assert node.pod_network_rules == node.expected_pod_network_rules, node.explain("pod_network_rules")


@requirement("NET-FLANNEL-021")
def test_forward_accept(node):
    assert node.accept_rules == node.expected_accept_rules, node.explain("accept_rules")


@requirement("NET-FLANNEL-023")
def test_nftables(node):
    assert node.flannel_tables == node.expected_flannel_tables, node.explain("flannel_tables")
