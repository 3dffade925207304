"""The node's firewall lets the cluster's traffic in and pod traffic through, and all rules are in one place."""

from pytest_k8snet import requirement


@requirement("NET-NODE-006")
def test_one_iptables_variant(node):
    assert node.one_variant == node.expected_one_variant, node.explain("one_variant")


@requirement("NET-NODE-011")
def test_host_firewall(node):
    assert node.host_firewall == node.expected_host_firewall, node.explain("host_firewall")


@requirement("NET-NODE-016")
def test_chains_of_others(node):
    assert node.foreign_chains == node.expected_foreign_chains, node.explain("foreign_chains")
