"""A recording is judged: statuses, exit code, what is shown, and that nothing unobserved ever passes."""

from __future__ import annotations

import cluster_recording
import jsonschema
import pytest

from pytest_k8snet.report.document import schema

pytest_plugins = ["pytester"]


def test_a_healthy_cluster_passes(replay):
    done = replay()
    assert done.code == 0
    assert done.last.startswith("k8snet: PASS")
    assert done.last.endswith("report report.json")
    assert done.report["verdict"] == "PASS"
    assert set(done.statuses().values()) == {"passed"}


def test_the_report_follows_its_schema(replay):
    replayed = [replay(), replay(cluster_recording.fail(cluster_recording.recording(), "@worker1", "@worker2"))]
    for done in replayed:
        jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(done.report)


def test_a_schema_violation_would_be_seen(replay):
    broken = {**replay().report, "verdict": "FINE"}
    with pytest.raises(jsonschema.ValidationError, match="FINE"):
        jsonschema.validate(broken, schema())


def test_one_direction_fails_in_its_cell_only(replay):
    done = replay(cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="tcp"))
    failed = {key for key, status in done.statuses().items() if status == "failed"}
    assert failed == {("NET-REACH-005", "pod/a@worker1", "pod/a@worker2", "", "tcp")}
    assert done.code == 1
    assert done.last.startswith("k8snet: FAIL")


def test_a_property_of_what_did_not_happen_is_inconclusive(replay):
    done = replay(cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="tcp"))
    assert done.statuses()["NET-NAT-002", "pod/a@worker1", "pod/a@worker2", "", "tcp"] == "inconclusive"
    assert "the conversation they are about did not take place (NET-NAT-002 -003)" in " ".join(done.text.split())


def test_a_missing_frame_is_inconclusive_and_never_zero(replay):
    recording = cluster_recording.recording()
    lost = "tcp4:pod/a@worker1>pod/a@worker2"
    recording.streams["frames"] = [entry for entry in recording.streams["frames"] if entry["frame"]["id"] != lost]
    done = replay(recording)
    assert done.code == 10
    assert done.report["verdict"] == "INCONCLUSIVE"
    assert {status for key, status in done.statuses().items() if key[1:3] == ("pod/a@worker1", "pod/a@worker2") and key[4] == "tcp"} == {
        "inconclusive"
    }
    assert "the recording holds no answer" in done.text


def test_an_inconclusive_must_is_an_error_in_junit_and_a_failure_a_failure(replay):
    recording = cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="tcp")
    junit = replay(recording).junit
    assert (junit.get("failures"), junit.get("errors")) == ("1", "2")  # source and destination of what was not reached
    failure = junit.find(".//failure")
    assert failure is not None
    assert "pod/a@worker1" in failure.get("message", "")
    error = junit.find(".//error")
    assert error is not None
    assert "inconclusive: not reached, see NET-REACH-005" in (error.get("message", "") + (error.text or ""))


def test_a_should_warns_and_strict_fails(replay):
    recording = cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="icmp")
    done = replay(recording)
    assert (done.code, done.report["verdict"]) == (0, "PASS-WITH-WARNINGS")
    assert "1 warned" in done.text
    assert "why it matters:" in done.text
    assert "Warning: " in done.junit.find(".//skipped").get("message")
    strict = replay(recording, "--k8snet-strict")
    assert (strict.code, strict.report["verdict"]) == (1, "FAIL")


def test_a_should_that_was_not_observed_is_listed_and_costs_the_verdict_only_under_strict(replay):
    recording = cluster_recording.recording()
    lost = "icmp4:pod/a@worker1>pod/a@worker2"
    recording.streams["frames"] = [entry for entry in recording.streams["frames"] if entry["frame"]["id"] != lost]
    done = replay(recording)
    assert (done.code, done.report["verdict"]) == (0, "PASS")
    assert done.report["coverage"]["inconclusive"] == 1
    assert "not assessed: 1 requirement" in done.text
    assert "1 SHOULD not assessed" in done.last
    strict = replay(recording, "--k8snet-strict")
    assert (strict.code, strict.report["verdict"], strict.junit.get("errors")) == (10, "INCONCLUSIVE", "1")


def test_an_empty_recording_of_probes_is_no_pass(replay):
    recording = cluster_recording.recording()
    recording.streams["frames"] = []
    done = replay(recording)
    assert (done.code, done.report["verdict"]) == (10, "INCONCLUSIVE")
    assert "passed" not in set(done.statuses().values())


def test_nothing_selected_is_never_zero(replay):
    done = replay(None, "-k", "no_such_test")
    assert done.code == 5
    assert done.last.startswith("k8snet: no verdict")


def test_a_wrong_source_is_shown_as_such(replay):
    recording = cluster_recording.seen_as(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", "172.30.0.12")
    done = replay(recording)
    assert done.code == 1
    assert "s wrong source" in done.text
    assert "172.30.0.12" in done.text
    assert done.statuses()["NET-REACH-005", "pod/a@worker1", "pod/a@worker2", "", "tcp"] == "passed"


def test_one_dead_node_is_one_line_a_plane(replay):
    dead = cluster_recording.fail(cluster_recording.fail(cluster_recording.recording(), "@worker2", ""), "", "@worker2")
    done = replay(dead)
    lines = [line for line in done.lines if "pod to pod, other node, tcp:" in line]
    assert [line.strip() for line in lines] == ["pod to pod, other node, tcp: row and column worker2 (4 cells: no answer)"]


def test_no_failure_blocks_unless_verbose(replay):
    recording = cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="tcp")
    assert "= FAILURES =" not in replay(recording).text
    assert "1 failed" in replay(recording).text
    assert "= FAILURES =" in replay(recording, "-v").text


def test_every_cell_is_in_the_matrix_of_the_report(replay):
    done = replay()
    cells = [cell for plane in done.report["matrix"] for cell in plane["cells"]]
    judged = {(r["subject"]["source"], r["subject"]["target"], r["subject"]["protocol"]) for r in done.report["results"]}
    assert len(judged) >= len(cells) > 50
    assert {cell["letter"] for cell in cells} == {"."}


def test_items_left_by_maxfail_are_missed(replay):
    recording = cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="tcp")
    everything = replay().statuses()
    done = replay(recording, "-x")
    assert done.code == 10
    assert set(done.statuses()) == set(everything)
    assert "not assessed: 23 requirements: was not judged: the run stopped" in done.text


def test_a_damaged_recording_is_a_usage_error(run, pytester):
    pytester.makefile(".zip", broken="not a zip")
    done = run("--k8snet-replay", "broken.zip")
    assert done.code == 4
    assert any("broken.zip is not a readable recording" in line for line in done.errors)


def test_statuses_do_not_depend_on_workers(replay):
    recording = cluster_recording.fail(cluster_recording.recording(), "@worker2", "@worker1")
    alone = replay(recording).statuses()
    assert replay(recording, "-n", "2", apart=True).statuses() == alone


def test_items_are_per_source_above_the_limit(replay, monkeypatch):
    recording = cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="tcp")
    fine = replay(recording)
    monkeypatch.setattr("pytest_k8snet.plugin.demand.MANY", 10)
    coarse = replay(recording)
    assert coarse.statuses() == fine.statuses()
    assert int(coarse.junit.get("tests")) < int(fine.junit.get("tests"))
    assert coarse.code == 1


def test_it_judges_without_a_terminal(replay):
    recording = cluster_recording.fail(cluster_recording.recording(), "pod/a@worker1", "pod/a@worker2", action="tcp")
    done = replay(recording, "-p", "no:terminal")
    assert (done.code, done.report["verdict"]) == (1, "FAIL")


def test_a_recording_of_another_cluster_is_refused(replay):
    done = replay(None, "--k8snet-expect-cluster", "uid-2")
    assert done.code == 4
    assert any("has UID uid-1; --k8snet-expect-cluster says uid-2" in line for line in done.errors)
    assert replay(None, "--k8snet-expect-cluster", "uid-1").code == 0


def test_what_was_judged_in_part_is_named(replay):
    done = replay(None, "-k", "NET-REACH-001 and worker1 or NET-REACH-002")
    assert (done.code, done.report["coverage"]["partlyJudged"]) == (0, ["NET-REACH-001"])
    assert "1 partly judged" in done.last
    assert "partly judged: 1 requirement: pytest's own options left some of their items out (NET-REACH-001)" in " ".join(done.text.split())
    assert replay(select=("--k8snet-requirement", "NET-REACH-001")).report["coverage"]["partlyJudged"] == []


def test_a_node_that_is_not_ready_is_no_pass(replay):
    def unready():
        made = cluster_recording.recording()
        node = made.object("nodes")["items"][1]
        node["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
        return made

    one = ("--k8snet-requirement", "NET-REACH-005")
    done = replay(unready(), select=one)
    assert (done.code, done.report["verdict"]) == (10, "INCONCLUSIVE")
    assert "node not ready: worker1" in done.last
    assert replay(cluster_recording.fail(unready(), "pod/a@worker1", "pod/a@worker2"), select=one).code == 1
