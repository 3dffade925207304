"""From a judged recording to the causes worth telling, the one that explains most first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_k8snet.model.cause import Cause, Confidence
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.result import Result

from .casefile import CaseFile, key
from .causes import SEARCHES


def causes(recording: Recording, inventory: Inventory, results: Iterable[Result]) -> tuple[Cause, ...]:
    """Every cause that was found and that no deeper one brings about; none for a clean run."""
    case = CaseFile(recording, inventory, results)
    if not case.bad:
        return ()
    found = [cause for search in SEARCHES for cause in search(case)]
    kept = [cause for number, cause in enumerate(found) if not _follows(cause, found[:number])]
    return tuple(sorted(kept, key=lambda cause: (-len(cause.explains), list(Confidence).index(cause.confidence))))


def unexplained(results: Iterable[Result], found: Sequence[Cause]) -> tuple[Result, ...]:
    """Bad results that no cause explains."""
    known = {key(result) for cause in found for result in cause.explains}
    return tuple(result for result in results if key(result) not in known)


def _follows(cause: Cause, deeper: Sequence[Cause]) -> bool:
    """Whether all that shows a cause is explained by a deeper one of another kind."""
    known = {key(result) for other in deeper if other.id != cause.id for result in other.explains}
    return bool(cause.shown_by) and all(key(result) in known for result in cause.shown_by)
