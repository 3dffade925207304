"""Fixtures of the tests that run the suite on the lab: the lab as it is, the healthy run, ways to start runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab_calls import lab_output

from lab import state
from lab.injection import record, suite, trial
from lab.injection.suite import Run
from lab.state import Places

# A shell starts its background jobs with SIGINT ignored, and so would everything that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def places() -> Places:
    """The folders of a lab that is up and has no fault on it."""
    values: dict[str, Any] = json.loads(lab_output("status", "--json"))
    assert values["state"] == "running", "start it with `python -m lab up`"
    where = state.places()
    assert not record.load(where), "a fault is on the lab: `python -m lab fault list` names it, `fault undo ID` takes it off"
    return where


@pytest.fixture(scope="session")
def healthy(places: Places) -> Run:
    """The suite on the healthy lab."""
    return trial.healthy(places, print)


@pytest.fixture
def run_suite(places: Places, tmp_path: Path) -> Callable[..., Run]:
    """Run the suite once more, with options."""
    return lambda name, *options: suite.live(tmp_path, name, *options)
