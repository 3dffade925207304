"""All that the report is made of, as plain values: the plugin fills it, the report only reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_k8snet.model.cause import Cause
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.requirement import Requirement
from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import Level, RunVerdict, Status

from .verdict import by_requirement


@dataclass(frozen=True, slots=True)
class About:
    """The run and the suite. Times are RFC 3339; `mode` is live or replay."""

    run_id: str
    started: str
    finished: str
    command: tuple[str, ...]
    mode: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """A finished run. `unselected` maps ids to the reason why nothing was asked about them."""

    about: About
    verdict: RunVerdict
    exit_code: int
    results: tuple[Result, ...]
    catalogue: Mapping[str, Requirement]
    inventory: Inventory | None = None
    profiles: tuple[str, ...] = ()
    unselected: Mapping[str, str] = field(default_factory=dict)
    partial: tuple[str, ...] = ()  # why the report covers less than the whole cluster
    problem: str = ""  # why there is no verdict at all
    left_behind: tuple[str, ...] = ()
    kept: bool = False
    causes: tuple[Cause, ...] = ()  # what explains most first
    undiagnosed: str = ""  # why causes could not be looked for
    partly_judged: frozenset[str] = frozenset()  # ids of which some cells were left out by pytest's own selection

    def statuses(self) -> dict[str, Status]:
        """Status of every requirement that has a result."""
        return by_requirement(self.results)

    def count(self, status: Status) -> int:
        """How many requirements have that status."""
        return sum(found is status for found in self.statuses().values())

    @property
    def open_shoulds(self) -> int:
        """How many requirements have a SHOULD that was not observed, which is no obstacle to a pass."""
        return len({r.requirement for r in self.results if r.status is Status.INCONCLUSIVE and r.level is Level.SHOULD})

    def reason(self, id: str) -> str:
        """First message of the results of a requirement that have its status."""
        status = self.statuses()[id]
        return next((r.message for r in self.results if r.requirement == id and r.status is status), "")
