"""From results to the verdict of the run and its exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import ExitCode, Level, RunVerdict, Status, worst

OBSERVED = frozenset({Status.PASSED, Status.FAILED, Status.WARNING})


def by_requirement(results: Iterable[Result]) -> dict[str, Status]:
    """Worst status of each requirement's items, ids sorted."""
    statuses: dict[str, list[Status]] = {}
    for result in results:
        statuses.setdefault(result.requirement, []).append(result.status)
    return {id: worst(found) for id, found in sorted(statuses.items())}


def of_run(results: Iterable[Result], problems: int = 0, strict: bool = False) -> RunVerdict:
    """The verdict. `problems` counts items that broke inside our own code: they are never a pass, whatever their level.

    Nothing observed is INCONCLUSIVE. A MUST that could not be observed is INCONCLUSIVE, under `strict` a SHOULD too;
    else a SHOULD or MAY is only listed.
    """
    found = tuple(results)
    if any(result.status is Status.FAILED for result in found):
        return RunVerdict.FAIL
    unseen = any(result.status is Status.INCONCLUSIVE and binding(result.level, strict) for result in found)
    if problems or unseen or not any(result.status in OBSERVED for result in found):
        return RunVerdict.INCONCLUSIVE
    warned = any(result.status is Status.WARNING and result.level is not Level.MAY for result in found)
    return RunVerdict.PASS_WITH_WARNINGS if warned else RunVerdict.PASS


def binding(level: Level, strict: bool) -> bool:
    """Whether a requirement of that level must hold for a pass."""
    return level is Level.MUST or (strict and level is Level.SHOULD)


def exit_code(verdict: RunVerdict, left_behind: bool, other_failures: bool = False) -> int:
    """1 beats 12 beats 10. `other_failures` are failures of tests that judge no requirement."""
    if verdict is RunVerdict.FAIL or other_failures:
        return ExitCode.FAILED
    if left_behind:
        return ExitCode.LEFTOVERS
    return _CODES[verdict]


_CODES: Mapping[RunVerdict, int] = {
    RunVerdict.PASS: 0,
    RunVerdict.PASS_WITH_WARNINGS: 0,
    RunVerdict.INCONCLUSIVE: ExitCode.NO_VERDICT,
    RunVerdict.ERROR: ExitCode.INTERNAL_ERROR,
}
