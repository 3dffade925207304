"""Whether NetworkPolicies are enforced is observed with one that allows nobody in; without any, everybody gets in."""

from pytest_k8snet import requirement


@requirement("NET-POLICY-001")
def test_detected(scenario):
    assert scenario.enforcement == scenario.expected_enforcement, scenario.explain("enforcement")


@requirement("NET-POLICY-002")
def test_not_isolated(scenario):
    assert scenario.unpoliced == scenario.expected_unpoliced, scenario.explain("unpoliced")
