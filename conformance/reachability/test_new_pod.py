"""A new pod is reachable from every node soon after it is Ready."""

from pytest_k8snet import requirement


@requirement("NET-REACH-020")
def test_new_pod(scenario):
    assert scenario.fresh_pod == scenario.expected_fresh_pod, scenario.explain("fresh_pod")
