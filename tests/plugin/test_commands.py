"""What ends before any test runs: sweeping, the role, the launcher in a checkout, remote workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cluster_recording
import pytest
import yaml
from conftest import CELLS

import pytest_k8snet
from pytest_k8snet.__main__ import main
from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.plugin.distributed import Distribution
from pytest_k8snet.plugin.state import State

pytest_plugins = ["pytester"]


@pytest.fixture
def cluster(monkeypatch):
    """A cluster whose answer to a sweep a test decides; notes the contexts that were connected."""
    contexts: list[str] = []

    def answer(outcome: object) -> list[str]:
        def connect(settings):
            contexts.append(settings.context)
            if isinstance(outcome, Exception):
                raise outcome
            return settings

        monkeypatch.setitem(sys.modules, "pytest_k8snet.cluster.connection", SimpleNamespace(connect=connect))
        monkeypatch.setitem(sys.modules, "pytest_k8snet.cluster.sweep", SimpleNamespace(sweep=lambda connection: outcome))
        return contexts

    return answer


def test_sweep_removes_and_stops(run, cluster, pytester):
    pytester.makepyfile("def test_own(): assert False")
    contexts = cluster(("k8snet-1-privileged", "k8snet-1-restricted"))
    done = run("--k8s-context", "lab", "--k8snet-sweep")
    assert (done.code, contexts) == (0, ["lab"])
    assert done.lines == [
        "k8snet: removed namespace k8snet-1-privileged",
        "k8snet: removed namespace k8snet-1-restricted",
        "k8snet: 2 expired namespaces removed",
    ]


def test_sweep_of_a_cluster_that_does_not_answer(run, cluster):
    cluster(NoVerdict("context lab: connection refused"))
    done = run("--k8s-context", "lab", "--k8snet-sweep")
    assert (done.code, done.errors) == (10, ["k8snet: no sweep: context lab: connection refused"])


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--k8s-context", "lab"), "no context 'lab'; known: staging"), ((), "--k8snet-sweep needs --k8s-context NAME")],
)
def test_sweep_of_nothing(run, cluster, words, message):
    cluster(UsageProblem("no context 'lab'; known: staging"))
    done = run(*words, "--k8snet-sweep")
    assert done.code == 4
    assert message in done.errors[0]


def test_rbac_prints_the_role_of_a_tier(capsys):
    assert main(["rbac", "--tier", "privileged"]) == 0
    role = yaml.safe_load(capsys.readouterr().out)
    assert {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]} in role["rules"]
    main(["rbac", "--tier", "restricted"])
    assert "nodes/proxy" not in capsys.readouterr().out


def test_the_launcher_judges_with_the_suites_own_ini(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    path = cluster_recording.save(tmp_path / "recording.zip")
    environment = {**os.environ, "PYTHONPATH": str(Path(pytest_k8snet.__file__).parents[1])}
    words = [sys.executable, "-m", "pytest_k8snet", "--k8snet-replay", path, *CELLS]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "configfile: pytest.ini" in done.stdout
    assert done.stdout.strip().splitlines()[-1].startswith("k8snet: PASS")


@pytest.fixture
def launch(tmp_path):
    """Start the launcher in a folder that holds a test of somebody else."""
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    package = str(Path(pytest_k8snet.__file__).parents[1])

    def start(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest_k8snet", *map(str, words)]
        return subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": package, **more}, capture_output=True, text=True)

    return start


def test_the_launcher_runs_no_tests_without_a_cluster(launch):
    for words in ((), ("test_own.py",)):
        done = launch(*words)
        assert done.returncode == 4, done.stdout
        assert "python -m pytest_k8snet needs --k8s-context NAME or --k8snet-replay FILE" in done.stderr
        assert "passed" not in done.stdout
    assert [launch(word).returncode for word in ("--help", "--collect-only")] == [0, 0]


@pytest.mark.parametrize("words", [(), ("--assert=plain",)], ids=["rewritten", "plain"])
def test_assertions_that_are_switched_off_are_refused(launch, tmp_path, words):
    path = cluster_recording.save(tmp_path / "recording.zip")
    done = launch("--k8snet-replay", path, *CELLS, *words, PYTHONOPTIMIZE="1")
    assert done.returncode == 4, done.stdout
    assert "Python runs without assertions, so no test could fail: unset PYTHONOPTIMIZE" in done.stderr


@pytest.mark.parametrize(("popen", "refused"), [(True, False), (False, True)])
def test_workers_on_other_machines_are_refused(popen, refused):
    spec = SimpleNamespace(popen=popen)
    node = SimpleNamespace(gateway=SimpleNamespace(id="gw0", spec=spec), workerinput={})
    distribution = Distribution(State(Settings(context="lab")), SimpleNamespace(run=SimpleNamespace(live=True)))
    try:
        if refused:
            with pytest.raises(pytest.UsageError, match=r"worker gw0 .* is remote: only local workers can judge, use -n N"):
                distribution.pytest_configure_node(node)
        else:
            distribution.pytest_configure_node(node)
        assert ("k8snet" in node.workerinput) is not refused
    finally:
        distribution.pytest_unconfigure()
