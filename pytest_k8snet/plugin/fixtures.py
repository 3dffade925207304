"""Fixtures that hand a test its evidence. They fetch it in setup, so that "could not look" is an error and "is wrong" a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable

from .demand import Case, Plan
from .evidence import Bench
from .state import STATE


@dataclass(frozen=True, slots=True)
class Row:
    """All cells of one source: each plan with its evidence, or with what stood in its way."""

    cells: tuple[tuple[Plan, Any], ...]


@pytest.fixture
def cell(request: pytest.FixtureRequest) -> Any:
    """One cell of the reachability matrix: what its probe observed beside what is documented."""
    return _evidence(request)


@pytest.fixture
def node(request: pytest.FixtureRequest) -> Any:
    """One node: its facts beside what they should be."""
    return _evidence(request)


@pytest.fixture
def resolver(request: pytest.FixtureRequest) -> Any:
    """The resolver of one probe pod: its file and its answers beside what they should be."""
    return _evidence(request)


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Any:
    """What a scenario observed step by step, beside what it should have."""
    return _evidence(request)


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Any:
    """The cluster's API objects."""
    return _evidence(request)


def _evidence(request: pytest.FixtureRequest) -> Any:
    case = getattr(request, "param", None)
    if not isinstance(case, Case):
        raise Inconclusive(f"fixture {request.fixturename!r} belongs to tests marked with @requirement(ID)")
    if case.unknown:
        raise Inconclusive(case.unknown)
    bench = request.config.stash[STATE].bench()
    if len(case.plans) == 1:
        return bench.evidence(case.plans[0])
    return Row(tuple((plan, _attempt(bench, plan)) for plan in case.plans))


def _attempt(bench: Bench, plan: Plan) -> Any:
    try:
        return bench.evidence(plan)
    except (Inconclusive, NotApplicable) as reason:
        return reason
