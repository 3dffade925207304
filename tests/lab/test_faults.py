"""Each known fault turns the right cells of the suite red, no others, and the recording of that run says the same.

Every fault is judged on the whole suite. After each undo the fault's own checks show that the lab is as it was (rules,
files and objects are compared with what was there before); one more whole run at the end shows that the suite agrees.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from lab_calls import LAB, ROOT

from lab.injection import compare, fault, injection, suite, trial
from lab.injection.suite import Run
from lab.state import Places

FAULTS = fault.catalogue()
SEED = os.environ.get("K8SNET_FAULT_SEED")


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_nothing_else(places: Places, healthy: Run, name: str) -> None:
    seed = injection.chosen_seed(int(SEED) if SEED else None)
    outcome = trial.attempt(places, FAULTS[name], healthy, print, seed)
    assert outcome.good, trial.text(outcome)


def test_after_all_undos_the_suite_says_what_it_said_before(healthy: Run, places: Places) -> None:
    again = trial.healthy(places, print, "healed")
    assert compare.differences(healthy.results, again.results) == []
    assert again.code == healthy.code


def test_a_replay_of_the_healthy_run(healthy: Run) -> None:
    again = suite.replayed(healthy, "healthy-replay")
    assert compare.differences(healthy.results, again.results) == []
    assert again.code == healthy.code


def call(*argv: str) -> tuple[int, str]:
    done = subprocess.run([*LAB, "fault", *argv], cwd=ROOT, capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout + done.stderr


def test_commands_refuse_what_makes_no_sense(places: Places) -> None:
    assert call("undo", "FLT-004") == (4, "lab: FLT-004 is not on the lab: no fault is\n")
    assert call("inject", "FLT-004", "--node", "k8snet-worker2", "--seed", "7") == (0, "FLT-004 is on k8snet-worker2 (seed 7).\n")
    try:
        again = "lab: FLT-004 is on the lab already: `python -m lab fault undo FLT-004` takes it off\n"
        assert call("inject", "FLT-004") == (4, again)
        other = "lab: FLT-004 is on the lab, and two faults hide each other: run `python -m lab fault undo FLT-004` first\n"
        assert call("inject", "FLT-049") == (4, other)
        assert "[on the lab: k8snet-worker2, seed 7]" in call("list")[1]
        listed = json.loads(call("list", "--json")[1])["faults"]
        assert [one["id"] for one in listed if one["injected"]] == ["FLT-004"]
    finally:
        undone = call("undo", "FLT-004")
    assert undone == (0, "FLT-004 is off k8snet-worker2.\n")
    code, text = call("inject", "FLT-004", "--node", "k8snet-worker9")
    assert (code, "FLT-004 cannot strike k8snet-worker9: choose one of k8snet-control" in text) == (4, True), text
