"""Tests of other people, their ini files, and items that break: nothing of it may look like a pass, and nothing is hidden silently."""

from __future__ import annotations

import shutil

import cluster_recording
import pytest

from pytest_k8snet.plugin import suite

pytest_plugins = ["pytester"]


@pytest.fixture
def judge(run, pytester):
    """Judge a healthy recording by the test file in the current folder."""

    def start(source: str, *arguments: object, recording=None):
        pytester.makepyfile(test_own="from pytest_k8snet import requirement\n" + source)
        path = cluster_recording.save(pytester.path / "recording.zip", recording)
        return run("test_own.py", "--k8snet-replay", path, "--k8snet-report", "report.json", "--junitxml", "junit.xml", *arguments)

    return start


def test_own_tests_get_the_evidence(judge):
    done = judge('@requirement("NET-REACH-005")\ndef test_own(cell): assert cell.outcome in cell.documented.outcomes, str(cell)\n')
    assert done.code == 0
    assert done.report["coverage"]["passed"] == 1
    assert f"{len(suite.ids()) - 1} not selected" in done.last


def test_a_bug_in_a_test_is_never_a_pass_nor_a_failure(judge):
    done = judge('@requirement("NET-REACH-005")\ndef test_own(cell): cell.no_such_property\n')
    assert done.code == 10
    assert {result["status"] for result in done.report["results"]} == {"inconclusive"}
    assert "internal problem: AttributeError" in " ".join(done.text.split())


def test_a_bug_in_the_test_of_a_may_is_no_pass_either(judge):
    good = '@requirement("NET-REACH-005")\ndef test_good(cell): pass\n'
    done = judge(good + '@requirement("NET-REACH-019")\ndef test_own(cell): 1 / 0\n')
    assert (done.code, done.report["coverage"]["passed"]) == (10, 1)
    assert "internal problem: ZeroDivisionError" in " ".join(done.text.split())
    assert done.junit.get("errors") == "3"


def test_inconclusive_inside_the_test_is_an_error_not_a_failure(judge):
    source = "from pytest_k8snet.model.verdict import Inconclusive\n"
    done = judge(source + '@requirement("NET-REACH-005")\ndef test_own(cell): raise Inconclusive("fact not read")\n')
    assert (done.code, done.junit.get("failures"), done.junit.get("errors")) == (10, "0", "6")
    assert "fact not read" in done.text


def test_not_applicable_inside_the_test_is_a_skip_with_its_reason(judge):
    source = "from pytest_k8snet.model.verdict import NotApplicable\n"
    done = judge(source + '@requirement("NET-REACH-005")\ndef test_own(cell): raise NotApplicable("no such device")\n')
    assert {(r["status"], r["message"]) for r in done.report["results"]} == {("skipped", "no such device")}
    assert done.code == 10


def test_a_broken_teardown_takes_the_pass_away(judge):
    source = "import pytest\n@pytest.fixture\ndef odd():\n    yield\n    raise OSError('gone')\n"
    done = judge(source + '@requirement("NET-REACH-005")\ndef test_own(cell, odd): pass\n')
    assert done.code == 10
    assert "passed" not in {result["status"] for result in done.report["results"]}


def test_an_unknown_requirement_is_named(judge):
    done = judge('@requirement("NET-REACH-905")\ndef test_own(cell): pass\n')
    assert done.code != 0
    assert "no requirement 'NET-REACH-905' in the catalogue; nearest: NET-REACH-0" in done.text


def test_a_marked_test_without_evidence_is_refused(judge):
    done = judge('@requirement("NET-REACH-005")\ndef test_own(): pass\n')
    assert done.code != 0
    assert "a test of requirement NET-REACH-005 takes one of cell, node, resolver, scenario, cluster" in done.text


def test_failures_of_unmarked_tests_count(judge):
    done = judge(
        '@requirement("NET-REACH-005")\ndef test_own(cell): pass\ndef test_unmarked(): assert False, "own failure"\n',
    )
    assert done.code == 1
    assert "own failure" in done.text


def test_a_requirement_that_does_not_apply_is_skipped_with_the_reason(judge):
    recording = cluster_recording.recording(("alone",))
    done = judge('@requirement("NET-REACH-005")\ndef test_own(cell): pass\n', recording=recording)
    assert {(r["status"], r["message"]) for r in done.report["results"]} == {("skipped", "needs nodes>=2, this cluster has nodes=1")}
    assert "not applicable: 1 requirement" in done.text


def test_what_the_tier_forbids_is_declared_off(judge):
    done = judge('@requirement("NET-REACH-010")\ndef test_own(cell): pass\n', "--k8snet-tier", "restricted")
    assert [r["status"] for r in done.report["results"]] == ["skipped"]
    assert "declared off" in done.report["results"][0]["message"]


def test_what_cannot_be_known_to_apply_is_inconclusive(judge):
    recording = cluster_recording.recording()
    recording.streams["objects"] = [e for e in recording.streams["objects"] if "flannel" not in e["name"]]
    done = judge('@requirement("NET-NAT-005")\ndef test_own(cell): pass\n', recording=recording)
    assert done.code == 10
    assert "the cluster does not tell its cni" in " ".join(done.text.split())


def test_a_passing_test_that_asserts_nothing_still_needs_its_observation(judge):
    recording = cluster_recording.recording()
    recording.streams["frames"] = []
    done = judge('@requirement("NET-REACH-005")\ndef test_own(cell): pass\n', recording=recording)
    assert done.code == 10


def test_bare_run_under_a_hostile_ini_collects_the_suite(replay, pytester):
    pytester.makeini("[pytest]\npython_files = check_*.py\ntestpaths = nowhere\nnorecursedirs = *\nxfail_strict = true\n")
    done = replay()
    assert done.code == 0
    assert done.report["coverage"]["passed"] == 23


def test_bare_run_under_an_ini_that_hides_functions_says_so(replay, pytester):
    pytester.makeini("[pytest]\npython_functions = check_*\n")
    done = replay()
    assert done.code == 4
    assert any("pytest.ini hides" in line or "tox.ini hides" in line for line in done.errors)
    assert any("python -m pytest_k8snet" in line for line in done.errors)


def test_users_autouse_fixtures_and_conftests_stay_theirs(replay, pytester):
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef cell(): raise RuntimeError('not for the suite')\n")
    assert replay().code == 0


WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])


@WORKERS
def test_a_users_file_that_cannot_be_imported_is_never_zero(judge, pytester, workers):
    pytester.makepyfile(test_broken="import no_such_module_here")
    source = '@requirement("NET-REACH-005")\ndef test_own(cell): pass\n'
    done = judge(source, "test_broken.py", "--continue-on-collection-errors", *workers)
    assert (done.code, done.report["verdict"]) == (1, "INCONCLUSIVE")
    assert "1 file could not be collected" in done.last
    assert judge(source, "test_broken.py", *workers).code != 0


@pytest.fixture
def broken_suite(pytester, monkeypatch):
    """A copy of the bundled suite of which one file cannot be imported."""
    copy = pytester.path / "suite" / "conformance"
    shutil.copytree(suite.folder(), copy)
    (copy / "reachability" / "test_pod_to_pod.py").write_text("import no_such_module_here\n")
    monkeypatch.setattr(suite, "folder", lambda: copy)


def test_a_bundled_file_that_cannot_be_imported_is_no_verdict(replay, broken_suite):
    done = replay(None, "--continue-on-collection-errors")
    assert (done.code, done.report["verdict"]) == (10, "INCONCLUSIVE")
    assert done.report["coverage"]["passed"] > 0
    assert replay(None).code != 0
