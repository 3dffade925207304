"""The record of a scenario: what is missing in it is named by step, and nothing missing ever passes."""

from __future__ import annotations

import pytest

from pytest_k8snet.evidence.observations import Observations
from pytest_k8snet.evidence.steps import Steps, ending
from pytest_k8snet.evidence.steps_table import Table
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.observation import Observation, Outcome, Sample
from pytest_k8snet.model.probe import Family, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.scenarios import ScenarioPlan

ID = "tcp4+affinity.on.2:pod/a@n1>service/affinity"
PLAIN = Probe.parse("tcp4:pod/a@n1>service/affinity")
CLUSTER = Inventory("lab", "u", "", (), (Family.IPV4,), "", "", "", "", "", "", "", None, None, "", "", ())


def note(step, state, **more):
    return {"what": "scenario", "scenario": "affinity", "step": step, "state": state, "at": 1.0, **more}


def frame(id=ID, servers=("pod/a@n1",), **more):
    samples = [
        {"warmup": False, "outcome": "reached", "seconds": 0.01, "nonce": f"{n}", "detail": {},
         "reply": {"server": name, "nonce": f"{n}", "run": "r1"}}
        for n, name in enumerate(servers)
    ]  # fmt: skip
    body = {"kind": "result", "run": "r1", "id": id, "samples": samples, **more}
    return {"source": "pod/a@n1", "frame": {**body, "request": {"action": "tcp", "samples": 1, "address": "10.96.0.9"}}}


def steps(*notes, frames=(), objects=()):
    recording = Recording({"run_id": "r1"})
    for stream, entries in (("events", notes), ("frames", frames), ("objects", objects)):
        for entry in entries:
            recording.append(stream, entry)
    return Steps(recording, CLUSTER, ScenarioPlan("NET-SERVICE-015", "affinity"), Observations(recording))


def concluded(*rounds):
    return [note("on", "settled", probes=list(ids), seconds=0.5) for ids in rounds]


@pytest.mark.parametrize(
    ("notes", "reason"),
    [
        ([], "scenario affinity was not played"),
        ([note("on", "begun"), note("on", "broke", reason="forbidden")], "scenario affinity broke off in step on: forbidden"),
        ([note("", "broke", reason="no namespace")], "broke off before its first step: no namespace"),
        ([note("on", "begun")], "did not come to its end: the last that is known of it is step on"),
    ],
)
def test_a_scenario_that_did_not_end_is_inconclusive_and_names_the_step(notes, reason):
    with pytest.raises(Inconclusive, match=reason):
        steps(*notes)


def test_the_last_round_counts():
    old = ID.replace(".2:", ".1:")
    found = steps(*concluded([old], [ID]), note("", "ended"), frames=[frame(old, ("pod/b@n1",)), frame()])
    assert ending(found.answer("on", PLAIN)) == "reached pod/a@n1"
    assert list(found.answers("on")) == [PLAIN]
    assert found.seconds("on") == 0.5
    assert [entry["frame"]["id"] for entry in found.used] == [ID, ID]


@pytest.mark.parametrize(
    ("notes", "frames", "reason"),
    [
        (concluded([ID]), (), "step on of scenario affinity: not observed: the recording holds no answer of pod/a@n1"),
        (concluded([]), (), "step on of scenario affinity was not observed"),
        ([note("off", "done")], (), "step on of scenario affinity was not observed"),
        (concluded(["no probe"]), (), "the record of a step is damaged"),
        (concluded([ID.replace("@n1>", "@n2>")]), (), "step on: not observed: pod/a@n1 was not asked about service/affinity"),
        (concluded([ID]), [{**frame(), "source": "pod/a@n2"}], "no answer of pod/a@n1"),
    ],
)
def test_what_was_not_observed_is_named(notes, frames, reason):
    found = steps(*notes, note("", "ended"), frames=frames)
    with pytest.raises(Inconclusive, match=reason):
        found.answer("on", PLAIN)


def test_an_object_of_a_step(monkeypatch):
    name = "scenario/affinity/on/Service/affinity"
    found = steps(note("", "ended"), objects=[{"name": name, "status": 200, "body": {"spec": {"type": "NodePort"}}}])
    assert found.body("on", "Service/affinity")["spec"] == {"type": "NodePort"}
    with pytest.raises(Inconclusive, match="step off of scenario affinity: Service/affinity was not recorded"):
        found.body("off", "Service/affinity")


def observed(*samples):
    made = tuple(
        Sample(Outcome(outcome), 0.1, str(n), {"server": server} if server else {}, {}) for n, (outcome, server) in enumerate(samples)
    )
    return Observation(PLAIN, {}, made)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([("reached", "pod/a@n1")] * 2, "reached pod/a@n1"),
        ([("reached", "pod/a@n1"), ("reached", "pod/b@n1")], "reached pod/a@n1 (1), pod/b@n1 (1)"),
        ([("timeout", "")] * 2, "timeout"),
        ([("reached", "pod/a@n1"), ("refused", "")], "1 of 2 reached pod/a@n1, else refused"),
        ([("reached", "")], "reached somebody unnamed"),
    ],
)
def test_endings_in_words(samples, words):
    assert ending(observed(*samples)) == words


def test_a_finding_beats_what_could_not_be_assessed():
    table = Table("Service x")
    table.skip("before", PLAIN, "timeout, see NET-SERVICE-001")
    table.row("on", PLAIN, "timeout", "one backend")
    assert str(table.comparison()).endswith("step on: pod/a@n1 > service/affinity tcp: expected one backend, found timeout")


def test_agreement_with_a_gap_is_inconclusive():
    table = Table("Service x")
    table.row("on", PLAIN, "one backend", "one backend")
    table.skip("before", PLAIN, "timeout, see NET-SERVICE-001")
    with pytest.raises(Inconclusive, match="not assessed: step before: pod/a@n1 > service/affinity tcp: timeout, see NET-SERVICE-001"):
        table.comparison()
