"""Fixtures of the tests that run the suite on the lab: the lab as it is, the healthy run, ways to start runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import state
from lab.injection import record, suite, trial
from lab.injection.suite import Run
from lab.state import Places

ROOT = Path(__file__).resolve().parents[2]
LAB = [sys.executable, "-m", "lab"]
SUITE = [*LAB, "run", "--", sys.executable, "-m", "pytest_k8snet", "--k8s-context", "k8snet-lab"]
SPACES = "app.kubernetes.io/managed-by=pytest-k8snet"


def lab_output(*argv: str) -> str:
    """Output of a command of the lab, which must succeed."""
    done = subprocess.run([*LAB, *argv], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def namespaces() -> list[str]:
    """Namespaces that runs of the suite have made and not removed."""
    found = lab_output("kubectl", "get", "namespaces", "-l", SPACES, "-o", "jsonpath={.items[*].metadata.name}")
    return found.split()


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
