"""From how a test function ended to statuses: the one place where exceptions become results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import Inconclusive, Level, NotApplicable, Status
from pytest_k8snet.report.verdict import binding

from .demand import Case, Plan, level_of, subject
from .evidence import raw

CONTRADICTION = (AssertionError, pytest.fail.Exception)


@dataclass(frozen=True, slots=True)
class Ruling:
    """Status with the text for a person; `broken` if our own code failed, which is never a verdict about the network."""

    status: Status
    message: str = ""
    broken: bool = False


def rule(ended: BaseException | None, level: Level, strict: bool) -> Ruling:
    """Judge the end of a test function: `ended` is what it raised, None if it returned."""
    if ended is None:
        return Ruling(Status.PASSED)
    if isinstance(ended, CONTRADICTION):
        return Ruling(Status.FAILED if binding(level, strict) else Status.WARNING, _said(ended))
    if isinstance(ended, Inconclusive):
        return Ruling(Status.INCONCLUSIVE, str(ended))
    if isinstance(ended, NotApplicable | pytest.skip.Exception):
        return Ruling(Status.SKIPPED, str(ended))
    return Ruling(Status.INCONCLUSIVE, f"internal problem: {type(ended).__name__}: {ended}", broken=True)


def result(case: Case, plan: Plan, ruling: Ruling, source: Any) -> Result:
    """The result of one plan; `source` is its evidence object, or the exception that stood in its way."""
    level = level_of(plan, case.level)
    about = case.requirement
    message = ruling.message or (str(getattr(source, "recorded", "")) if level is Level.MAY else "")  # a MAY is there to be read
    return Result(about.id, level, about.basis, ruling.status, subject(plan), message, raw(source, plan))


def unjudged(case: Case) -> tuple[Result, ...]:
    """What is known about a case before it is judged: nothing."""
    ruling = Ruling(Status.INCONCLUSIVE, "was not judged: the run stopped, or its worker was lost")
    return tuple(result(case, plan, ruling, None) for plan in case.plans or (None,))


def together(rulings: Mapping[str, Ruling]) -> BaseException | None:
    """How an item over many cells ends: with the findings, else with what was not observed, else well."""
    for wanted, kind in (
        ((Status.FAILED, Status.WARNING), AssertionError),
        ((Status.INCONCLUSIVE,), Inconclusive),
    ):
        lines = [f"{where}: {ruling.message}" for where, ruling in rulings.items() if ruling.status in wanted]
        if lines:
            return kind("\n".join(lines))
    return NotApplicable(next(iter(rulings.values())).message) if _all_skipped(rulings) else None


def _all_skipped(rulings: Mapping[str, Ruling]) -> bool:
    return bool(rulings) and all(ruling.status is Status.SKIPPED for ruling in rulings.values())


def _said(ended: BaseException) -> str:
    """The message without the comparison that pytest's rewritten assert appends to it."""
    text = str(getattr(ended, "msg", None) or ended)
    return text.partition("\nassert ")[0].strip() or "the assertion does not hold and gives no message"
