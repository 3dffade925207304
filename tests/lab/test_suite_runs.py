"""The suite on the healthy lab: what it assesses, alone and in two processes, and what it costs the API server."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_calls import lab_output, namespaces

from lab.injection import compare
from lab.injection.suite import Run
from pytest_k8snet.model.recording import Recording

NODES = 3
VERBS = ("created", "patched", "deleted")  # of scenarios; what they watch is one watch for all of them
CONNECTED = 2  # readiness and terminating talk to a pod of their own
MOST_CHANGES = 5  # of one scenario: tests/cluster counts them for each
SAMPLE = re.compile(r"^(apiserver_request_total|apiserver_flowcontrol_dispatched_requests_total)\{(.*)\} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


def coverage(run: Run) -> dict[str, Any]:
    report = json.loads(run.report.read_text())
    return {**report["coverage"], "verdict": report["verdict"], "left": report["cleanup"]["leftBehind"]}


def test_the_healthy_lab_passes(healthy: Run) -> None:
    found = coverage(healthy)
    assert healthy.code == 0
    assert found["verdict"] in ("PASS", "PASS-WITH-WARNINGS")
    assert found["assessed"] >= 68
    assert (found["inconclusive"], found["failed"], found["left"]) == (0, 0, [])


def test_every_assessed_requirement_has_an_observation(healthy: Run) -> None:
    seen: dict[str, int] = Counter()
    for result in json.loads(healthy.report.read_text())["results"]:
        if result["status"] != "skipped":
            seen[result["requirement"]] += len(result["evidence"])
    assert len(seen) >= 68
    assert [name for name, number in seen.items() if not number] == []


@pytest.mark.parametrize("processes", ["0", "2"])
def test_processes_change_nothing(healthy: Run, run_suite: Callable[..., Run], processes: str) -> None:
    run = run_suite(f"n{processes}", "-n", processes)
    assert compare.differences(healthy.results, run.results) == []
    assert coverage(run)["left"] == []
    assert nonces_seen_otherwise(run.recording) == {}


def nonces_seen_otherwise(recording: Path) -> dict[str, str]:
    """Nonces of answered echo probes that the servers together did not count exactly once."""
    read = Recording.read(recording)
    frames = [one["frame"] for one in read.entries("frames")]
    gone = {one["endpoint"] for one in read.entries("fleet") if "scenario" in one}  # pods of scenarios end before anybody counts
    seen: Counter[str] = Counter()
    for frame in frames:
        if frame["kind"] == "seen":
            seen.update({nonce: entry["count"] for nonce, entry in frame["nonces"].items()})
    assert seen, "no server said what it saw"
    answered = set(_answered(frames, gone))
    assert answered
    return {nonce: f"seen {seen[nonce]} times" for nonce in answered if seen[nonce] != 1}


def _answered(frames: list[dict[str, Any]], gone: Container[str]) -> Iterator[str]:
    for frame in frames:
        # The second container of a pod answers the loopback probe; it keeps no count.
        loopback = frame["kind"] == "result" and ">loopback@" in frame["id"]
        if frame["kind"] == "result" and frame["request"]["action"] in ("tcp", "udp") and not loopback:
            heard = [one for one in frame["samples"] if one["outcome"] == "reached" and one.get("reply")]
            yield from (one["nonce"] for one in heard if one["reply"].get("server") not in gone)


def requests() -> Counter[str]:
    """What the API server has counted of the administrator's requests.

    Components have priority levels of their own, so "global-default" is the kubeconfig's user, and the pods that ask the API
    server as a probe. exec, log and proxy are long-running and pass by the levels; nobody but the suite connects to them.
    """
    metrics = lab_output("kubectl", "get", "--raw", "/metrics")
    counted: Counter[str] = Counter()
    for name, labels, value in SAMPLE.findall(metrics):
        one = dict(LABEL.findall(labels))
        if name == "apiserver_request_total" and one["verb"] == "CONNECT":
            counted[f"{one['resource']}/{one['subresource']}"] += int(float(value))
        if name.startswith("apiserver_flowcontrol") and one["flow_schema"] == "global-default":
            counted["others"] += int(float(value))
    return counted


def test_requests_by_the_servers_own_count(run_suite: Callable[..., Run]) -> None:
    before = requests()
    run = run_suite("requests")
    made = requests() - before
    made["others"] -= 1  # our own second look
    assert made["pods/exec"] >= NODES, f"the count is blind: {made}"
    assert made["nodes/proxy"] == NODES, f"another run was at work on the lab, so nothing can be said: {made}"
    changes = changes_by_scenarios(run.recording)
    assert max(changes.values()) <= MOST_CHANGES, changes
    assert sum(made.values()) - sum(changes.values()) - CONNECTED <= 14 * NODES + 80, (made, changes)


def changes_by_scenarios(recording: Path) -> Counter[str]:
    """Scenario -> requests for objects of its own: what it is about is what changes."""
    entries = Recording.read(recording).entries("objects")
    made = Counter(one["name"].split("/")[1] for one in entries if one.get("verb") in VERBS)
    assert {"affinity", "internal-policy"} <= set(made), f"the count is blind: {made}"
    return made


def test_nothing_is_left() -> None:
    assert namespaces() == []
