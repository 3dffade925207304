"""The installed wheel, in a project that is not ours."""

from __future__ import annotations

import json

import cluster_recording
import pytest
import yaml
from conftest import CELLS


@pytest.fixture
def recording(python):
    return cluster_recording.save(python.parents[2] / "recording.zip")


def test_the_launcher_runs_the_suite(run, python, recording):
    done = run("-m", "pytest_k8snet", "--k8snet-replay", recording, *CELLS, "--k8snet-report", "build/report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().splitlines()[-1].startswith("k8snet: PASS")
    report = json.loads((python.parents[2] / "build" / "report.json").read_text())
    assert report["coverage"]["passed"] == 23


def test_the_launcher_needs_no_help_from_the_projects_ini(run, python, recording):
    (python.parents[2] / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\npython_functions = check_*\n")
    done = run("-m", "pytest_k8snet", "--k8snet-replay", recording, *CELLS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_bare_pytest_runs_the_suite_beside_a_hostile_ini(run, python, recording):
    hostile = (
        "[pytest]\npython_files = check_*.py\ntestpaths = nowhere\nnorecursedirs = * .venv\naddopts = --strict-markers -p no:doctest\n"
    )
    (python.parents[2] / "pytest.ini").write_text(hostile)
    done = run("-m", "pytest", "--k8snet-replay", recording, *CELLS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "153 passed" in done.stdout


def test_bare_pytest_says_why_it_cannot(run, python, recording):
    (python.parents[2] / "pytest.ini").write_text("[pytest]\npython_functions = check_*\n")
    done = run("-m", "pytest", "--k8snet-replay", recording, *CELLS)
    assert done.returncode == 4
    assert "pytest.ini hides" in done.stderr
    assert "python -m pytest_k8snet" in done.stderr


def test_two_workers_judge_the_same(run, recording):
    done = run("-m", "pytest", "--k8snet-replay", recording, *CELLS, "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "153 passed" in done.stdout


def test_an_unrelated_project_notices_nothing(run, python):
    (python.parents[2] / "test_own.py").write_text("def test_own(): pass\n")
    done = run("-m", "pytest", "test_own.py")
    lines = [line for line in done.stdout.splitlines() if "k8snet" in line and not line.startswith("plugins:")]
    assert (done.returncode, lines) == (0, [])


def test_the_import_costs_less_than_30_ms(run):
    program = "import pytest, time; t = time.process_time(); import pytest_k8snet.plugin; print(time.process_time() - t)"
    assert min(float(run("-c", program).stdout) for _ in range(3)) < 0.03


def test_the_role_can_be_applied(run):
    done = run("-m", "pytest_k8snet", "rbac", "--tier", "restricted")
    role = yaml.safe_load(done.stdout)
    assert (done.returncode, role["kind"]) == (0, "ClusterRole")
    assert {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]} in role["rules"]
    refused = run("-m", "pytest_k8snet", "rbac", "--tier", "root")
    assert refused.returncode == 2
    assert "choose from" in refused.stderr
