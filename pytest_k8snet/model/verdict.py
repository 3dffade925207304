"""Words for judging: levels, statuses, the verdict of a run and its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Level(StrEnum):
    """How binding a requirement is (RFC 2119 words)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Status(StrEnum):
    """The status of an item or a requirement, in order of severity for `worst`."""

    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    WARNING = "warning"
    PASSED = "passed"
    SKIPPED = "skipped"


class RunVerdict(StrEnum):
    """The verdict of a run."""

    ERROR = "ERROR"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    PASS_WITH_WARNINGS = "PASS-WITH-WARNINGS"
    PASS = "PASS"


class ExitCode(IntEnum):
    """Exit codes beside pytest's own 0-6."""

    FAILED = 1
    INTERNAL_ERROR = 3
    USAGE = 4
    NO_VERDICT = 10
    LEFTOVERS = 12


class Inconclusive(Exception):
    """What the requirement asks about was not observed; `str()` says what is missing and why. Never a failure, never a pass."""


class NotApplicable(Exception):
    """The requirement does not apply to this cluster, node or cell; `str()` is the reason."""


def worst(statuses: Iterable[Status]) -> Status:
    """The most severe status; SKIPPED when there is none."""
    order = list(Status)
    return min(statuses, key=order.index, default=Status.SKIPPED)
