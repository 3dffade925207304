"""Without a cluster or a recording the plugin does nothing, costs nothing, and still lists what it could do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_k8snet.plugin import suite

pytest_plugins = ["pytester"]

MARKED = """
from pytest_k8snet import requirement

@requirement("NET-REACH-005")
def test_marked(cell): assert cell
"""


def test_an_unrelated_project_sees_no_new_output(run, pytester):
    pytester.makepyfile("def test_own(): pass")
    lines = [line for line in run().text.splitlines() if not line.startswith("plugins: ")]  # pytest's own list of what is installed
    assert "k8snet" not in "\n".join(lines).replace("pytest_k8snet", "").replace("test_inert", "")


def test_it_imports_quickly_and_nothing_heavy():
    program = (
        "import pytest, sys, time; before = set(sys.modules); t = time.process_time(); import pytest_k8snet.plugin; "
        "import pytest_k8snet; print(time.process_time() - t, *sorted(set(sys.modules) - before))"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
    seconds, loaded = min(float(found[0]) for found in runs), set(runs[0][1:])
    assert seconds < 0.03
    assert not loaded & {
        "kubernetes",
        "yaml",
        "urllib3",
        "pytest_k8snet.collect",
        "pytest_k8snet.report",
        "pytest_k8snet.evidence",
        "asyncio",
    }


def test_listing_without_a_cluster_gives_one_id_per_requirement(run):
    done = run("--collect-only", "-q", str(suite.folder()))
    listed = sorted(line.partition("[")[2].rstrip("]") for line in done.lines if "::" in line)
    assert listed == sorted(suite.ids())
    assert len(listed) == len(set(listed)) > 50


def test_running_the_suite_without_a_cluster_is_a_mistake(run, pytester):
    pytester.makepyfile(MARKED)
    done = run()
    assert done.code == 4
    assert "the run needs --k8s-context NAME or --k8snet-replay FILE" in done.errors[0]


def test_beside_other_tests_they_are_skipped_with_the_reason(run, pytester):
    pytester.makepyfile(MARKED + "\ndef test_own(): pass\n")
    done = run("-rs")
    assert done.code == 0
    assert "1 passed, 1 skipped" in done.text
    assert "needs --k8s-context NAME or --k8snet-replay FILE" in done.text


def test_strict_markers_know_the_marker(run, pytester):
    pytester.makepyfile(MARKED)
    assert run("--strict-markers", "--collect-only").code == 0
    assert "k8snet(id)" in run("--markers").text


def test_the_fixtures_exist_only_in_a_run_that_assesses(run):
    assert "One cell of the reachability matrix" not in run("--fixtures").text


@pytest.mark.parametrize("name", ["requirement", "__version__"])
def test_public_names(name):
    import pytest_k8snet

    assert name in pytest_k8snet.__all__
    assert getattr(pytest_k8snet, name)
    with pytest.raises(AttributeError, match="no attribute 'helpers'"):
        _ = pytest_k8snet.helpers
