"""Chains by name, against the version that writes them. Names are no API: a difference warns, and explains findings of others."""

from pytest_k8snet import requirement


@requirement("NET-PROXY-009")
def test_filter_jumps(node):
    assert node.jumps == node.expected_jumps, node.explain("jumps")


@requirement("NET-PROXY-013")
def test_mark_drop(node):
    assert node.mark_drop == node.expected_mark_drop, node.explain("mark_drop")


@requirement("NET-PROXY-015")
def test_canaries(node):
    assert node.canaries == node.expected_canaries, node.explain("canaries")


@requirement("NET-PROXY-023")
def test_external_chains(node):
    assert node.external_kinds == node.expected_external_kinds, node.explain("external_kinds")
