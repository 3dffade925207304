"""A Service gets an address of each family that its ipFamilyPolicy asks for, and each of them answers."""

from pytest_k8snet import requirement


@requirement("NET-IPV6-004")
def test_families(scenario):
    assert scenario.families == scenario.expected_families, scenario.explain("families")
