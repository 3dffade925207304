from __future__ import annotations

import pytest

from pytest_k8snet.collect.scenarios.scripts import SCRIPTS
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.plan import scenarios
from pytest_k8snet.plan.available import available
from pytest_k8snet.plan.selection import needs


@pytest.fixture
def reach(inventory):
    return lambda **options: available(inventory, Settings(**options))


def test_only_the_scenarios_of_the_selected_requirements_are_played(reach):
    assert needs(["NET-REACH-005"], (), reach()).scenarios == frozenset()
    assert needs(["NET-SERVICE-015", "NET-SERVICE-016"], (), reach()).scenarios == {"affinity"}


def test_a_scenario_brings_its_pods(reach):
    assert needs(["NET-SERVICE-014"], (), reach()).roles == {"a", "b"}


def test_one_requirement_of_a_scenario_may_need_more_pods_than_another(reach):
    assert needs(["NET-SERVICE-020"], (), reach()).roles == {"a"}
    assert needs(["NET-SERVICE-013"], (), reach()).roles == {"a", "host"}
    assert "needs the pods host" in scenarios.declared_off("NET-SERVICE-013", reach(tier=Tier.RESTRICTED))
    assert scenarios.declared_off("NET-SERVICE-020", reach(tier=Tier.RESTRICTED)) == ""


def test_every_scenario_has_a_script_and_every_requirement_one_scenario():
    assert {scenario.name for scenario in scenarios.SCENARIOS} == set(SCRIPTS)
    named = [id for scenario in scenarios.SCENARIOS for id in scenario.requirements]
    assert len(named) == len(set(named))


def test_pods_that_the_tier_does_not_allow_are_named(reach, monkeypatch):
    privileged = scenarios.Scenario("ports", ("NET-X-001",), frozenset({"a", "host"}))
    monkeypatch.setitem(scenarios._BY_REQUIREMENT, "NET-X-001", privileged)
    assert scenarios.declared_off("NET-X-001", reach()) == ""
    assert "needs the pods host, which the tier does not allow" in scenarios.declared_off("NET-X-001", reach(tier=Tier.RESTRICTED))
    assert scenarios.plans("NET-X-001", reach(tier=Tier.RESTRICTED)) == ()
