"""Looking for causes at the end of a run. A bug there is told; it never costs the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k8snet.diagnose import ranking
from pytest_k8snet.model.cause import Cause
from pytest_k8snet.model.result import Result

from .state import State


def causes(state: State, results: Sequence[Result]) -> tuple[tuple[Cause, ...], str]:
    """The causes, and why none could be looked for ("" if they were)."""
    if state.recording is None or state.demand is None:
        return (), ""
    try:
        return ranking.causes(state.recording, state.demand.inventory, results), ""
    except Exception as error:
        return (), f"{type(error).__name__}: {error}"
