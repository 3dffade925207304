"""From the selected requirements to what must be placed, asked and read: nothing else is created or probed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pytest_k8snet.model.endpoint import EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action, Probe

from . import questions, scenarios
from .available import EVERY_ROLE, Available, role
from .cellplan import CellPlan, Documented
from .matrix import Matrix
from .readers import names_for, roles_for, services_for
from .resolver import load as load_rows
from .resolver import plans as resolver_plans
from .resolver import role as resolver_role

OURS = frozenset({"web", "self", "empty", "big", "peers", "published", "unready", "alias"})
UNREADY = frozenset({"published", "unready"})  # Services of the pod that is never Ready
_BY_SERVICE = (EndpointKind.SERVICE, EndpointKind.NODE_PORT, EndpointKind.LOOPBACK)


@dataclass(frozen=True, slots=True)
class Needs:
    """What the fleet holds: pod roles ("runner" = the agent of this process), Services, readers of facts; and scenarios to play."""

    roles: frozenset[str]
    services: frozenset[str]
    readers: frozenset[str]
    probes: tuple[Probe, ...]
    scenarios: frozenset[str] = frozenset()

    @property
    def objects(self) -> bool:
        """Whether anything is created in the cluster at all."""
        return bool(self.roles - {"runner"})


NOTHING = Needs(frozenset(), frozenset(), frozenset(), ())


def asked(selected: Iterable[str], matrix: Matrix, inventory: Inventory, available: Available) -> tuple[CellPlan, ...]:
    """Everything to ask: the cells of the selected requirements, their controls, and the questions to resolvers."""
    rows = load_rows(matrix.resolver_rows)
    plans: list[CellPlan] = []
    for requirement_id in selected:
        cells = matrix.cells(requirement_id, inventory, available)
        plans += cells
        plans += _controls(cells, available)
        for resolver in resolver_plans(rows, requirement_id, inventory, available.roles, available.values):
            plans += (CellPlan(requirement_id, probe, Documented(word), samples=1) for probe, word in resolver.probes.items())
    return tuple(plans)


def looked_at(selected: Iterable[str], matrix: Matrix, inventory: Inventory, available: Available) -> frozenset[str]:
    """Roles of the pods that the selected requirements look at, with a question or without."""
    rows = load_rows(matrix.resolver_rows)
    found = (p for id in selected for p in resolver_plans(rows, id, inventory, available.roles, available.values))
    return frozenset(resolver_role(plan.source) for plan in found)


def declared_off(requirement_id: str, matrix: Matrix, inventory: Inventory, available: Available) -> str:
    """Why the user's options leave nothing to ask for a requirement that has something to ask, "" if something is left."""
    everything = replace(available, roles=EVERY_ROLE)
    if any(look([requirement_id], matrix, inventory, available) for look in (asked, looked_at)):
        return ""
    if not any(look([requirement_id], matrix, inventory, everything) for look in (asked, looked_at)):
        return ""
    return "declared off: its probe pods use the host network or it reads the node, which needs the tier privileged (--k8snet-tier)"


def needs(selected: Iterable[str], plans: Iterable[CellPlan], available: Available, pods: frozenset[str] = frozenset()) -> Needs:
    """What `plans` (from `asked`), the facts of the selected requirements and the roles in `pods` (from `looked_at`) need."""
    probes = tuple(sorted({plan.probe for plan in plans}))
    readers = names_for(selected) if "host" in available.roles else frozenset()
    roles = roles_for(selected) & available.roles | pods
    services = frozenset(service for probe in probes for service in _services(probe)) | (services_for(selected) if readers else frozenset())
    roles |= {role(end) for probe in probes for end in (probe.source, probe.target)} - {""}
    roles |= {"a"} if services else set()  # the backends, at least the marker's
    roles |= {"custom"} if services & UNREADY else set()
    roles |= {"host"} if readers else set()
    roles |= scenarios.roles(selected, available)
    return Needs(frozenset(roles), services | ({"marker"} if services else set()), readers, probes, scenarios.wanted(selected, available))


def _controls(cells: Iterable[CellPlan], available: Available) -> Iterator[CellPlan]:
    for cell in cells:
        for probe in cell.controls:
            if all(role(end) in available.roles | {""} for end in (probe.source, probe.target)):
                yield CellPlan(cell.requirement, probe, Documented("control"))


def _services(probe: Probe) -> Iterator[str]:
    """Services of ours that a probe needs; a question to a resolver needs the Service it asks for."""
    if probe.target.kind in _BY_SERVICE and probe.target.name in OURS:
        yield probe.target.name
    if probe.action in (Action.RESOLVE, Action.QUERY, Action.LOOKUPS):
        yield from filter(None, [questions.service(probe.detail)])
