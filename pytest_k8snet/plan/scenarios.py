"""Which requirement needs which scenario, and what a scenario needs to be there: nothing else is played."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .available import Available

AFFINITY_REQUESTS = 20  # of one client: that one of several backends is drawn so often does not happen by chance
BACKENDS = frozenset({"a", "b"})  # the pods that serve the scenarios' Services; those of role a are also the clients


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps that observe what a single look cannot: `roles` of the probe pods that take part, `requirements` that its record answers."""

    name: str
    requirements: tuple[str, ...]
    roles: frozenset[str] = BACKENDS


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """What one item judges: the record of a scenario."""

    requirement: str
    scenario: str

    def __str__(self) -> str:
        return self.scenario


SCENARIOS = (
    Scenario("internal-policy", ("NET-SERVICE-014",)),
    Scenario("affinity", ("NET-SERVICE-015", "NET-SERVICE-016")),
)
_BY_REQUIREMENT = {requirement: scenario for scenario in SCENARIOS for requirement in scenario.requirements}


def plans(requirement_id: str, available: Available) -> tuple[ScenarioPlan, ...]:
    """The record that a requirement is judged by; none where the tier does not allow the pods that take part."""
    found = _BY_REQUIREMENT.get(requirement_id)
    return (ScenarioPlan(requirement_id, found.name),) if found and found.roles <= available.roles else ()


def declared_off(requirement_id: str, available: Available) -> str:
    """Why the user's options leave nothing to play for a requirement, "" if they do not."""
    found = _BY_REQUIREMENT.get(requirement_id)
    missing = sorted(found.roles - available.roles) if found else []
    return (
        f"declared off: its scenario needs the pods {', '.join(missing)}, which the tier does not allow (--k8snet-tier)" if missing else ""
    )


def wanted(requirement_ids: Iterable[str], available: Available) -> frozenset[str]:
    """Names of the scenarios to play for these requirements."""
    return frozenset(plan.scenario for id in requirement_ids for plan in plans(id, available))


def roles(names: Iterable[str]) -> frozenset[str]:
    """Roles of the probe pods that take part in these scenarios."""
    chosen = set(names)
    return frozenset(role for scenario in SCENARIOS if scenario.name in chosen for role in scenario.roles)
