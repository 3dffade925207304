"""A run of the suite leaves nothing in the cluster, however it ends; after SIGKILL its pods end and a sweep takes the rest.

The moments of the signals are drawn from a seed (K8SNET_LEFTOVERS_SEED, else random; shown when a test fails).
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab_calls import LAB, ROOT, SPACES, SUITE, lab_output, namespaces

from lab import process
from lab.injection import fault, injection
from lab.state import Places

SEED = int(os.environ.get("K8SNET_LEFTOVERS_SEED") or random.SystemRandom().randint(0, 10**6))
MOMENTS = [round(random.Random(f"{SEED} {n}").uniform(0.2, 22), 2) for n in range(10)]
EXPIRY = 75  # seconds after which a killed run's pods end and its things may be swept; an hour outside of this test
SHORT_LIVED = (
    f"import runpy, pytest_k8snet.collect.manifests as made; made.LIFE = {EXPIRY}; "
    "runpy.run_module('pytest_k8snet', run_name='__main__', alter_sys=True)"
)
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(places: object, tmp_path: Path) -> Iterator[Start]:
    """Starts runs, and ends what is left of them."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*options: str, suite: list[str] = SUITE) -> subprocess.Popen[bytes]:
        log = (tmp_path / "log").open("wb")
        argv = [*suite, "--k8snet-report", str(tmp_path / "report.json"), *options]
        started.append(subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log, start_new_session=True))
        return started[-1]

    yield begin
    for one in started:
        if one.poll() is None:
            one.terminate()
            one.wait(60)


def gone(seconds: float = 0) -> bool:
    """True once no namespace of a run is there, within this time."""
    return process.wait_gone(namespaces, seconds)


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    return [one for one in process.all_pids() if pid in process.ancestry(one)]


@pytest.fixture(autouse=True)
def _clean_before(places: object) -> None:
    assert namespaces() == [], "a run of somebody else is at work, or left something: `--k8snet-sweep` takes expired things away"


def wait_for_pods(child: subprocess.Popen[bytes]) -> None:
    """Wait until the run has made its namespaces."""
    end = time.monotonic() + 30
    while not namespaces():
        assert child.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)


def test_after_success(start: Start, tmp_path: Path) -> None:
    assert start().wait(120) == 0, (tmp_path / "log").read_text()
    assert gone()
    assert json.loads((tmp_path / "report.json").read_text())["cleanup"]["leftBehind"] == []


def test_after_a_failure(start: Start, tmp_path: Path, places: Places) -> None:
    one = fault.catalogue()["FLT-004"]
    injection.inject(places, one, injection.chosen_seed(None))
    try:
        assert start("-x").wait(120) in (1, 2), (tmp_path / "log").read_text()
    finally:
        injection.undo(places, one)
    assert gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_a_signal_amid_the_probes(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    child = start()
    wait_for_pods(child)
    time.sleep(3)
    child.send_signal(number)
    code = child.wait(60)
    assert code not in (0, 1, -number), (tmp_path / "log").read_text()
    assert gone()


def test_after_a_killed_worker(start: Start, tmp_path: Path) -> None:
    child = start("-n", "2")
    wait_for_pods(child)
    workers = [pid for pid in family(child.pid) if b"exec(eval(sys.stdin.readline()))" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(workers) == 2
    os.kill(workers[-1], signal.SIGKILL)
    child.wait(120)
    assert gone(), (tmp_path / "log").read_text()


@pytest.mark.parametrize("number", range(len(MOMENTS)))
def test_sigterm_at_any_moment(start: Start, tmp_path: Path, number: int) -> None:
    child = start()
    time.sleep(MOMENTS[number])
    child.terminate()
    child.wait(60)
    assert gone(), f"seed {SEED}, after {MOMENTS[number]} s\n{(tmp_path / 'log').read_text()}"
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_sigkill_at_any_moment_and_a_sweep(start: Start) -> None:
    """A sweep before expiry takes nothing; at expiry the pods end by themselves; a sweep then takes the rest."""
    short_lived = [*LAB, "run", "--", sys.executable, "-c", SHORT_LIVED, "--k8s-context", "k8snet-lab"]
    for moment in sorted(MOMENTS):
        child = start(suite=short_lived)
        time.sleep(moment)
        for pid in family(child.pid):
            process.send(pid, signal.SIGKILL)
        child.wait(10)
    made = expiries()
    assert running_pods(), f"seed {SEED}"
    assert sweep() == 0
    # The sweep takes its time too: only what is still young after it was young all the while.
    young = {name for name, expiry in made.items() if expiry > datetime.now(UTC)}
    assert young, f"seed {SEED}: no run was killed with anything made that is still young"
    assert young <= set(expiries()), "a sweep took what had not expired"
    time.sleep(max(expiry for expiry in expiries().values()).timestamp() - time.time() + 1)
    assert process.wait_gone(running_pods, 15), running_pods()
    assert young <= set(expiries()), "somebody took what we are to sweep"
    assert sweep() == 0
    assert gone(20), f"seed {SEED}: {namespaces()}"


def expiries() -> dict[str, datetime]:
    """When each run's namespaces expire, by namespace."""
    items = json.loads(lab_output("kubectl", "get", "namespaces", "-l", SPACES, "-o", "json"))["items"]
    return {one["metadata"]["name"]: datetime.fromisoformat(one["metadata"]["annotations"]["k8snet/expires"]) for one in items}


def sweep() -> int:
    return subprocess.run([*SUITE, "--k8snet-sweep"], cwd=ROOT, capture_output=True, timeout=60).returncode


def running_pods() -> list[str]:
    """Probe pods that still run: name and phase."""
    text = lab_output(
        "kubectl",
        "get",
        "pods",
        "-A",
        "-l",
        "app.kubernetes.io/managed-by=pytest-k8snet",
        "--field-selector=status.phase=Running",
        "-o",
        "name",
    )
    return re.findall(r"\S+", text)
