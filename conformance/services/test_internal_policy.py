"""internalTrafficPolicy Local keeps traffic on its node: without a backend there it is dropped, never sent to another node."""

from pytest_k8snet import requirement


@requirement("NET-SERVICE-014")
def test_local_backends_only(scenario):
    assert scenario.internal_policy == scenario.expected_internal_policy, scenario.explain("internal_policy")
