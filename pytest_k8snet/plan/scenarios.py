"""Which requirement needs which scenario, and what a scenario needs to be there: nothing else is played."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .available import Available

AFFINITY_REQUESTS = 20  # of one client: that one of several backends is drawn so often does not happen by chance
AFFINITY_SECONDS, AFFINITY_ROUNDS = 1, 6  # the short timeout, and how often every client asks after it at most
FRESH_SECONDS = 30.0  # from a pod's readiness until every node reaches it
CLIENTS = frozenset({"a"})
BACKENDS = frozenset({"a", "b"})  # the pods that serve the scenarios' Services; those of role a are also the clients


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps that observe what a single look cannot: `roles` of the probe pods that take part, `requirements` that its record answers."""

    name: str
    requirements: tuple[str, ...]
    roles: frozenset[str] = BACKENDS
    nodes: int = 1  # that it takes
    besides: Mapping[str, frozenset[str]] = field(default_factory=dict)  # requirement -> roles that it needs and the steps do not

    def roles_for(self, requirement: str) -> frozenset[str]:
        """Everybody without whom that requirement cannot be judged."""
        return self.roles | self.besides.get(requirement, frozenset())


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """What one item judges: the record of a scenario."""

    requirement: str
    scenario: str

    def __str__(self) -> str:
        return self.scenario


SCENARIOS = (
    Scenario("affinity", ("NET-SERVICE-015", "NET-SERVICE-016")),
    Scenario("affinity-timeout", ("NET-SERVICE-017",)),
    Scenario("enforcement", ("NET-POLICY-001", "NET-POLICY-002")),
    Scenario("external-policy", ("NET-SERVICE-011", "NET-SERVICE-012"), BACKENDS | {"runner"}),
    Scenario("fresh-pod", ("NET-REACH-020",), CLIENTS),
    Scenario("host-port", ("NET-SERVICE-025",), CLIENTS | {"host"}),
    Scenario("internal-policy", ("NET-SERVICE-014",)),
    Scenario("ports", ("NET-SERVICE-021",)),
    Scenario("readiness", ("NET-SERVICE-019",), CLIENTS),
    Scenario("retype", ("NET-SERVICE-022",)),
    Scenario("selectorless", ("NET-SERVICE-023",)),
    Scenario("service-families", ("NET-IPV6-004",)),
    Scenario("terminating", ("NET-SERVICE-013", "NET-SERVICE-020"), CLIENTS, besides={"NET-SERVICE-013": frozenset({"host"})}),
    Scenario("udp-flow", ("NET-SERVICE-024",), nodes=2),
)
_BY_REQUIREMENT = {requirement: scenario for scenario in SCENARIOS for requirement in scenario.requirements}


def plans(requirement_id: str, available: Available) -> tuple[ScenarioPlan, ...]:
    """The record that a requirement is judged by; none where it cannot be played, see `declared_off`."""
    found = _BY_REQUIREMENT.get(requirement_id)
    return (ScenarioPlan(requirement_id, found.name),) if found and not declared_off(requirement_id, available) else ()


def declared_off(requirement_id: str, available: Available) -> str:
    """Why the scenario of a requirement is not played, "" if it is: pods that the tier does not allow, or too few nodes."""
    found = _BY_REQUIREMENT.get(requirement_id)
    missing = sorted(found.roles_for(requirement_id) - available.roles) if found else []
    nodes = available.values.get("nodes")
    if found and isinstance(nodes, float) and nodes < found.nodes:
        return f"its scenario takes {found.nodes} nodes, this cluster has {nodes:.0f}"
    return (
        f"declared off: its scenario needs the pods {', '.join(missing)}, which the tier does not allow (--k8snet-tier)" if missing else ""
    )


def wanted(requirement_ids: Iterable[str], available: Available) -> frozenset[str]:
    """Names of the scenarios to play for these requirements."""
    return frozenset(plan.scenario for id in requirement_ids for plan in plans(id, available))


def roles(requirement_ids: Iterable[str], available: Available) -> frozenset[str]:
    """Roles of the probe pods that take part in the scenarios of these requirements."""
    found = (plan.requirement for id in requirement_ids for plan in plans(id, available))
    return frozenset(role for id in found for role in _BY_REQUIREMENT[id].roles_for(id))
