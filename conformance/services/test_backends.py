"""Clients are sent to the backends that can serve them, also while backends come, go and are replaced."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-019")
def test_readiness(scenario):
    assert scenario.readiness == scenario.expected_readiness, scenario.explain("readiness")


@requirement("NET-SERVICE-020")
def test_terminating(scenario):
    assert scenario.terminating == scenario.expected_terminating, scenario.explain("terminating")


@requirement("NET-SERVICE-023")
def test_listed_by_hand(scenario):
    assert scenario.selectorless == scenario.expected_selectorless, scenario.explain("selectorless")


@requirement("NET-SERVICE-024")
def test_udp_flow(scenario):
    assert scenario.udp_flow == scenario.expected_udp_flow, scenario.explain("udp_flow")
