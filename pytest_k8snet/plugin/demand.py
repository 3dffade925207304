"""What this run demands of this cluster: every case that follows from catalogue, matrix and profile. Pure, the same in every process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.requirement import Requirement
from pytest_k8snet.model.result import Subject
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.model.verdict import Level
from pytest_k8snet.plan import catalogue, matrix, profile, resolver, scenarios, selection
from pytest_k8snet.plan.available import Available, available

from . import suite

CellPlan = matrix.CellPlan
ScenarioPlan = scenarios.ScenarioPlan
Plan = CellPlan | resolver.ResolverPlan | ScenarioPlan | str | None  # a cell, a resolver, a scenario, a node by name, the cluster
MANY = 2000  # cells; above it items are per source, so that pytest stays quick


@dataclass(frozen=True, slots=True)
class Case:
    """What one item judges: one plan, or all cells of one source. `skip` and `unknown` tell why it cannot be judged."""

    requirement: Requirement
    argument: str  # of the test function: cell, node, resolver, scenario, cluster
    level: Level
    plans: tuple[Plan, ...]
    skip: str = ""
    unknown: str = ""

    def __str__(self) -> str:
        first = self.plans[0] if self.plans else None
        if isinstance(first, CellPlan):
            name = str(first.probe) if len(self.plans) == 1 else str(first.probe.source)
        else:
            name = "" if first is None else str(first)
        return f"{self.requirement.id}-{name}".rstrip("-")


class Demand:
    """The demands on one cluster. Raises UsageProblem for an unknown profile, requirement or feature."""

    def __init__(self, settings: Settings, inventory: Inventory) -> None:
        folder = suite.folder()
        self.inventory = inventory
        self.catalogue = catalogue.load(folder / "catalogue")
        self.matrix = matrix.load(folder / "matrix.yaml")
        self.profile = profile.resolve(settings, inventory, self.catalogue, folder / "profiles")
        self.available: Available = available(inventory, settings)
        self._resolvers = resolver.load(self.matrix.resolver_rows)

    def cases(self, id: str, argument: str) -> tuple[Case, ...]:
        """Every case of a requirement, for a test function that takes `argument`; never none."""
        requirement, level = self.catalogue[id], self.profile.levels[id]
        skip = self.profile.not_applicable.get(id) or self.profile.not_selected.get(id, "")
        unknown = self.profile.unknown.get(id, "")
        if skip or unknown:
            return (Case(requirement, argument, level, (), skip, unknown),)
        plans = self._plans(id, argument)
        off = "" if plans else self._declared_off(id, argument)
        if off:
            return (Case(requirement, argument, level, (), off),)
        if not plans:
            return (Case(requirement, argument, level, (), unknown="applies, but the matrix gives it nothing to look at on this cluster"),)
        return tuple(Case(requirement, argument, _level(group, level), group) for group in plans)

    def case(self, id: str, argument: str, name: str) -> Case:
        """The case of that name. Raises KeyError."""
        return {str(case): case for case in self.cases(id, argument)}[name]

    def partly(self, cases: Iterable[Case]) -> frozenset[str]:
        """Ids of which these cases, all that were selected, leave some out."""
        chosen: dict[tuple[str, str], set[str]] = {}
        for case in cases:
            chosen.setdefault((case.requirement.id, case.argument), set()).add(str(case))
        return frozenset(id for (id, argument), found in chosen.items() if {str(case) for case in self.cases(id, argument)} - found)

    def asked(self, cases: Iterable[Case]) -> tuple[CellPlan, ...]:
        """Everything to ask for these cases: their cells with controls, and the questions to resolvers."""
        chosen = tuple(cases)
        probes = {probe for case in chosen for plan in case.plans for probe in _probes(plan)}
        ids = sorted({case.requirement.id for case in chosen if case.plans})
        everything = selection.asked(ids, self.matrix, self.inventory, self.available)
        return tuple(plan for plan in everything if plan.probe in probes)

    def needs(self, cases: Iterable[Case]) -> selection.Needs:
        """What must be placed and read for these cases."""
        chosen = tuple(cases)
        ids = sorted({case.requirement.id for case in chosen if case.plans})
        pods = selection.looked_at(ids, self.matrix, self.inventory, self.available)
        return selection.needs(ids, self.asked(chosen), self.available, pods)

    def _declared_off(self, id: str, argument: str) -> str:
        if argument == "scenario":
            return scenarios.declared_off(id, self.available)
        return selection.declared_off(id, self.matrix, self.inventory, self.available)

    @cached_property
    def _by_source(self) -> bool:
        return sum(len(self._cells(id)) for id in self.profile.selected) > MANY

    def _cells(self, id: str) -> tuple[CellPlan, ...]:
        return self.matrix.cells(id, self.inventory, self.available)

    def _plans(self, id: str, argument: str) -> list[tuple[Plan, ...]]:
        if argument == "cell":
            cells = self._cells(id)
            return list(_rows(cells)) if self._by_source else [(cell,) for cell in cells]
        if argument == "resolver":
            known = self.available
            return [(plan,) for plan in resolver.plans(self._resolvers, id, self.inventory, known.roles, known.values)]
        if argument == "scenario":
            return [(plan,) for plan in scenarios.plans(id, self.available)]
        if argument == "node":
            return [(name,) for name in self.inventory.names]
        return [(None,)]


def subject(plan: Plan) -> Subject:
    """What a result about this plan is about."""
    if isinstance(plan, CellPlan):
        probe = plan.probe
        protocol = f"{probe.action}+{probe.detail}" if probe.detail else str(probe.action)
        return Subject(str(probe.source), str(probe.target), "", str(probe.family), protocol)
    if isinstance(plan, resolver.ResolverPlan):
        return Subject(source=str(plan.source), node=plan.node)
    return Subject(node=plan if isinstance(plan, str) else "")


def level_of(plan: Plan, level: Level) -> Level:
    """A line of the matrix may hold the weaker part of its requirement."""
    return plan.level or level if isinstance(plan, CellPlan) else level


def _level(group: tuple[Plan, ...], level: Level) -> Level:
    """The most binding level within an item."""
    return min((level_of(plan, level) for plan in group), key=list(Level).index)


def _rows(cells: tuple[CellPlan, ...]) -> Iterable[tuple[CellPlan, ...]]:
    rows: dict[tuple[str, str], list[CellPlan]] = {}
    for cell in cells:
        rows.setdefault((str(cell.probe.source), cell.level or ""), []).append(cell)
    return (tuple(row) for row in rows.values())


def _probes(plan: Plan) -> Iterable[object]:
    if isinstance(plan, CellPlan):
        return (plan.probe, *plan.controls)
    return plan.probes if isinstance(plan, resolver.ResolverPlan) else ()
