"""Rows of a scenario's comparison: each names step, source and target."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Probe
from pytest_k8snet.model.verdict import Inconclusive

from .comparison import Comparison
from .steps import NO_ANSWER, Steps, ending, unheard


@dataclass(slots=True)
class Table:
    """Filled row by row. What could not be assessed counts only when nothing is found: then nobody knows whether all is well."""

    caption: str
    actual: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    unassessed: list[str] = field(default_factory=list)

    def row(self, step: str, about: Probe | str, found: str, wanted: str, note: str = "") -> None:
        """One row; `about` is the probe, or what else the row is about."""
        key = f"step {step}: {_ends(about)}"
        self.actual[key], self.expected[key] = found, wanted
        if note:
            self.notes[key] = note

    def skip(self, step: str, about: Probe | str, reason: str) -> None:
        """A row that says nothing, and why."""
        self.unassessed.append(f"step {step}: {_ends(about)}: {reason}")

    def comparison(self) -> Comparison:
        """Raises Inconclusive when nothing differs but not everything was assessed."""
        made = Comparison(self.caption, self.actual, self.expected, self.notes)
        if self.unassessed and not made.differing:
            raise Inconclusive(f"not assessed: {'; '.join(self.unassessed)}")
        return made


def silence(table: Table, steps: Steps, step: str, probe: Probe, beside: Probe, note: str = "") -> None:
    """A row for a client that must get no answer. It says nothing unless the same client got one elsewhere at the same time."""
    found, other = unheard(steps.answer(step, probe)), steps.answer(step, beside)
    if found == NO_ANSWER and other.outcome is not Outcome.REACHED:
        table.skip(step, probe, f"{beside.target} gave no answer either ({ending(other)}), so that silence tells nothing")
    else:
        table.row(step, probe, found, NO_ANSWER, note)


def before(table: Table, steps: Steps, step: str, probe: Probe, why: str) -> bool:
    """Whether the client got its answer before anything was changed; if not, that is a row that says nothing, for that reason."""
    found = steps.answer(step, probe)
    if found.outcome is not Outcome.REACHED:
        table.skip(step, probe, f"{ending(found)} {why}")
    return found.outcome is Outcome.REACHED


def _ends(about: Probe | str) -> str:
    return about if isinstance(about, str) else f"{about.source} > {about.target} {about.action}"
