"""A run against a (simulated) cluster: when it is touched, what happens when it cannot be assessed, and that clean-up always runs."""

from __future__ import annotations

import pytest
from conftest import CELLS

from pytest_k8snet.model.recording import Recording

pytest_plugins = ["pytester"]


@pytest.fixture
def live(run, pytester, monkeypatch):
    """Run the suite's cells on the simulated cluster."""

    def start(behaviour: str = "", *arguments: object, select=CELLS):
        monkeypatch.setenv("SIMULATED", behaviour)
        outputs = ("--k8snet-report", "report.json", "--junitxml", "junit.xml")
        done = run("-p", "simulated_session", "--k8s-context", "lab", *select, *outputs, *arguments, apart=True)
        notes = pytester.path / "notes.txt"
        done.notes = notes.read_text().splitlines() if notes.exists() else []
        notes.unlink(missing_ok=True)
        return done

    return start


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_collects_once_between_collection_and_the_first_item(live, workers):
    done = live("", *workers)
    assert done.code == 0
    assert [line.split()[0] for line in done.notes] == ["discover", "collect", "close"]
    assert "k8snet: fleet     3 of 3 pods ready" in done.text
    assert "2 of 3 pods ready" not in done.text
    assert done.last.startswith("k8snet: PASS")
    assert "0 left behind" in done.last


def test_only_what_is_selected_is_asked(live):
    done = live("", "-k", "NET-REACH-001 and worker1", select=("--k8snet-requirement", "NET-REACH-*"))
    assert done.notes[1] == "collect 1 probes, roles a"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_an_unreachable_cluster_is_no_verdict_in_every_output(live, workers):
    done = live("unreachable", *workers)
    assert done.code == 10
    assert done.last.startswith("k8snet: no verdict")
    assert "https://127.0.0.1:1 refused the connection" in done.last
    assert (done.report["verdict"], done.report["cluster"]) == ("INCONCLUSIVE", None)
    assert (done.junit.get("tests"), done.junit.get("errors")) == ("1", "1")
    error = done.junit.find(".//error")
    assert "refused the connection" in error.get("message") + str(error.text)
    assert not any(line.startswith("collect") for line in done.notes)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_fleet_that_does_not_start_is_no_verdict(live, workers):
    done = live("not-ready", *workers)
    assert done.code == 10
    assert "image cannot be pulled" in done.last
    assert set(done.statuses().values()) == {"inconclusive"}
    assert done.notes[-1].startswith("close")


@pytest.mark.parametrize(("behaviour", "text"), [("no-context", "known: staging"), ("foreign", "does not carry our label")])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_usage_problems_are_one_line_and_exit_4(live, behaviour, text, workers):
    done = live(behaviour, *workers)
    assert done.code == 4
    assert [line for line in done.errors if text in line]
    assert "Traceback" not in done.text
    assert done.notes[-1].startswith("close")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_bug_while_collecting_is_an_internal_error_with_clean_up(live, workers):
    done = live("bug", *workers)
    assert done.code == 3
    assert "ZeroDivisionError: a bug while collecting" in done.text
    assert done.notes[-1].startswith("close")
    assert done.report["verdict"] == "ERROR"


@pytest.mark.parametrize("behaviour", ["sigterm", "sigint"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_signals_end_in_clean_up(live, behaviour, workers):
    done = live(behaviour, *workers)
    assert done.code == 2
    assert done.notes[-1].startswith("close")
    assert done.report["verdict"] == "INCONCLUSIVE"
    assert "interrupted" in done.last


def test_leftovers_are_named_and_cost_12(live):
    done = live("leftover")
    assert done.code == 12
    assert "k8snet: left behind: pod k8snet-x-restricted/a-worker1" in done.text
    assert "1 left behind" in done.last
    assert done.report["cleanup"]["leftBehind"] == ["pod k8snet-x-restricted/a-worker1"]


def test_a_failure_beats_leftovers(live):
    assert live("leftover broken-node").code == 1
    done = live("broken-node")
    assert done.code == 1
    assert done.notes[-1] == "close failed=True"


def test_plan_creates_nothing_and_says_what_it_would(live):
    done = live("", "--k8snet-plan")
    assert done.code == 0
    assert [line.split()[0] for line in done.notes] == ["discover", "close"]
    assert "host: host network, privileged" in done.text
    assert "nothing was created" in done.text
    assert not any("passed" in line for line in done.lines)


@pytest.mark.parametrize("option", ["--k8snet-plan", "--collect-only"])
def test_a_plan_or_a_list_of_an_unreachable_cluster_is_no_success(live, option):
    assert live("unreachable", option).code == 10


def test_plan_needs_one_process(live):
    done = live("", "--k8snet-plan", "-n", "2")
    assert done.code == 4
    assert "--k8snet-plan needs one process" in "\n".join(done.errors)


def test_listing_reads_the_api_only(live):
    done = live("", "--collect-only", "-q")
    assert done.code == 0
    assert [line.split()[0] for line in done.notes] == ["discover", "close"]
    assert "reachability/test_pod_to_pod.py::test_other_node_tcp[NET-REACH-005-tcp4:pod/a@worker1>pod/a@worker2]" in done.text


def test_the_recording_is_written_and_gives_the_same_statuses(live, run, pytester):
    done = live("broken-node", "--k8snet-record", "kept.zip")
    assert Recording.read(pytester.path / "kept.zip").meta["settings"]["requirements"] == list(CELLS[1::2])
    again = run("--k8snet-replay", "kept.zip", "--k8snet-report", "report.json")
    assert again.statuses() == done.statuses()
    assert again.code == done.code == 1


def test_an_unwritable_report_stops_before_the_cluster_is_touched(live, pytester):
    (pytester.path / "file").write_text("")
    done = live("", "--k8snet-report", "file/report.json")
    assert done.code == 4
    assert done.notes == []
    assert "cannot be written" in "\n".join(done.errors)


def test_a_stale_report_never_survives(live, pytester):
    (pytester.path / "report.json").write_text('{"verdict": "PASS"}')
    done = live("foreign")
    assert (done.code, done.wrote) == (4, False)


def test_a_lost_worker_is_inconclusive(live, pytester):
    pytester.makepyfile(
        killer="""
        import os
        def pytest_runtest_setup(item):
            if "NET-REACH-001" in item.name and "worker1" in item.name and "PYTEST_XDIST_WORKER" in os.environ:
                os._exit(9)
        """
    )
    done = live("", "-n", "2", "-p", "killer", select=("--k8snet-requirement", "NET-REACH-00[12]"))
    assert done.code == 10
    lost = {key for key, status in done.statuses().items() if status == "inconclusive"}
    assert lost == {("NET-REACH-001", "pod/a@worker1", "loopback@worker1", "", "tcp")}
    assert done.notes[-1].startswith("close")


def test_keep_is_told(live):
    assert "kept on request" in live("", "--k8snet-keep", "always").last
    assert "kept on request" in live("broken-node", "--k8snet-keep", "on-failure").last
    assert "0 left behind" in live("", "--k8snet-keep", "on-failure").last
