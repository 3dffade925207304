"""Evidence objects for the cases of a run, built from its recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_k8snet.evidence.cells import CellEvidence
from pytest_k8snet.evidence.cluster import ClusterEvidence
from pytest_k8snet.evidence.node import NodeEvidence
from pytest_k8snet.evidence.observations import Observations
from pytest_k8snet.evidence.resolver import ResolverEvidence
from pytest_k8snet.evidence.scenario import ScenarioEvidence
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.plan.resolver import ResolverPlan

from .demand import CellPlan, Plan, ScenarioPlan


class Bench:
    """Where evidence is laid out: one recording and the inventory it was collected for."""

    def __init__(self, recording: Recording, inventory: Inventory) -> None:
        self._recording, self._inventory = recording, inventory
        self._observations = Observations(recording)
        self._cells = CellEvidence(recording, inventory, self._observations)

    def evidence(self, plan: Plan) -> Any:
        """The evidence for one plan. Raises Inconclusive when nothing was observed, NotApplicable when it does not apply there."""
        if isinstance(plan, CellPlan):
            return self._cells.cell(plan)
        if isinstance(plan, ResolverPlan):
            return ResolverEvidence(self._recording, self._inventory, plan, self._observations)
        if isinstance(plan, ScenarioPlan):
            return ScenarioEvidence(self._recording, self._inventory, plan, self._observations)
        if plan is None:
            return ClusterEvidence(self._recording, self._inventory)
        return NodeEvidence(self._recording, self._inventory, plan)


def raw(source: Any, plan: Plan) -> tuple[Mapping[str, Any], ...]:
    """The raw entries behind a status: what an evidence object, or the exception that stood in its way, has looked at."""
    found = tuple(dict(entry) for entry in getattr(source, "evidence", ()))
    if isinstance(plan, CellPlan) and plan.plane:
        return ({**(found[0] if found else {"kind": "plan", "probe": str(plan.probe)}), "plane": plan.plane}, *found[1:])
    return found
