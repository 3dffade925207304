"""Scenarios play side by side against the small API server; agents answer as a test says. Nothing is judged here."""

from __future__ import annotations

import itertools
import threading
import time
from types import SimpleNamespace

import pytest

from pytest_k8snet.cluster.discovery import discover
from pytest_k8snet.collect.manifests import Owner
from pytest_k8snet.collect.scenarios import play as playing
from pytest_k8snet.collect.scenarios import stage as staging
from pytest_k8snet.collect.scenarios.exchange import Exchange
from pytest_k8snet.collect.scenarios.objects import Broken, Ground
from pytest_k8snet.collect.stream import StreamLost
from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.settings import Tier
from pytest_k8snet.parse.objects import inventory

from .scripted_agent import Agent

SPACE = "k8snet-r1-restricted"


@pytest.fixture
def world(api, connection, settings, recording, monkeypatch):
    """A cluster of two nodes with probe pods, and agents that reach everything."""
    monkeypatch.setattr(staging, "BETWEEN", 0.01)
    monkeypatch.setattr(staging, "CHANGE", 0.6)
    discover(connection, recording, settings)
    api.put("namespaces", "", SPACE, {"metadata": {"uid": "uid-of-space"}})
    agents = {Endpoint.parse(f"pod/a@{node}"): Agent(f"pod/a@{node}") for node in ("n1", "n2")}
    ground = Ground(connection, settings, Owner.of(settings), {Tier.RESTRICTED: SPACE})

    def play(*names):
        playing.play(names, ground, inventory(recording), agents, recording)

    return SimpleNamespace(play=play, agents=agents, api=api, recording=recording, ground=ground)


def backends(api, service, count=2):
    labels = {"kubernetes.io/service-name": service}
    endpoints = [{"addresses": [f"10.4.0.{n}"], "conditions": {"ready": True}} for n in range(count)]
    api.put("endpointslices", SPACE, f"{service}-x1", {"metadata": {"labels": labels}, "endpoints": endpoints})


def notes(world, scenario):
    found = world.recording.entries("events", what="scenario", scenario=scenario)
    return [(note["step"], note["state"]) for note in found]


def only_on_its_node(question):
    return "reached" if "cluster" in question["id"] or "pod/a@n1>" in question["id"] else "timeout"


def test_a_scenario_records_its_steps_objects_and_rounds(world):
    backends(world.api, "internal-policy")
    for agent in world.agents.values():
        agent.outcome = only_on_its_node
    world.play("internal-policy")
    assert notes(world, "internal-policy") == [
        ("cluster", "begun"), ("cluster", "settled"), ("cluster", "done"), ("local", "begun"), ("local", "settled"), ("local", "done"),
        ("", "ended"),
    ]  # fmt: skip
    assert world.api.objects["services", SPACE, "internal-policy"]["spec"]["internalTrafficPolicy"] == "Local"
    objects = [(entry["verb"], entry["name"]) for entry in world.recording.streams["objects"] if "verb" in entry]
    assert objects == [
        ("created", "scenario/internal-policy/cluster/Service/internal-policy"),
        ("watched", "scenario/internal-policy/cluster/EndpointSlices/internal-policy"),
        ("patched", "scenario/internal-policy/local/Service/internal-policy"),
    ]
    ids = [entry["frame"]["id"] for entry in world.recording.streams["frames"]]
    assert ids[-1] == "tcp4+internal-policy.local.2:pod/a@n2>service/internal-policy"
    assert all(entry["scenario"] == "internal-policy" and entry["at"] >= 0 for entry in world.recording.streams["frames"])


def test_what_it_makes_carries_owner_and_run(world):
    backends(world.api, "internal-policy")
    world.play("internal-policy")
    labels = world.api.objects["services", SPACE, "internal-policy"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "pytest-k8snet"
    assert (labels["k8snet/run"], labels["k8snet/scenario"]) == ("r1", "internal-policy")


def test_every_round_is_recorded_and_the_last_one_counts(world):
    backends(world.api, "internal-policy")
    tries = itertools.count()
    world.agents[Endpoint.parse("pod/a@n2")].outcome = lambda q: "reached" if "cluster" in q["id"] and next(tries) > 1 else "timeout"
    world.play("internal-policy")
    (settled,) = world.recording.entries("events", what="scenario", step="cluster", state="settled")
    assert settled["probes"] == [f"tcp4+internal-policy.cluster.3:pod/a@{node}>service/internal-policy" for node in ("n1", "n2")]
    rounds = {entry["frame"]["id"].split(":")[0] for entry in world.recording.streams["frames"] if entry["step"] == "cluster"}
    assert rounds == {f"tcp4+internal-policy.cluster.{number}" for number in (1, 2, 3)}


def test_waiting_ends_without_success_and_the_scenario_goes_on(world):
    backends(world.api, "internal-policy")
    for agent in world.agents.values():
        agent.outcome = lambda question: "timeout"
    world.play("internal-policy")
    assert ("cluster", "gave-up") in notes(world, "internal-policy")
    assert notes(world, "internal-policy")[-1] == ("", "ended")


def test_a_refusal_breaks_one_scenario_and_no_other(world):
    backends(world.api, "internal-policy")
    backends(world.api, "affinity")
    world.api.deny = lambda verb, path, body: (403, "services is forbidden") if verb == "PATCH" and "internal" in path else None
    world.play("internal-policy", "affinity")
    (broke,) = world.recording.entries("events", what="scenario", state="broke")
    assert (broke["scenario"], broke["step"]) == ("internal-policy", "local")
    assert broke["reason"] == "Service internal-policy could not be patched: services is forbidden"
    assert notes(world, "affinity")[-1] == ("", "ended")


def test_endpoints_that_never_come_break_it(world):
    world.play("affinity")
    (broke,) = world.recording.entries("events", what="scenario", state="broke")
    assert broke["reason"] == f"EndpointSlices/affinity in namespace {SPACE}: not as wanted within 1 s"


def test_a_watch_that_is_refused_says_so(world):
    world.api.deny = lambda verb, path, body: (403, "cannot watch endpointslices") if path.endswith("endpointslices") else None
    world.play("affinity")
    (broke,) = world.recording.entries("events", what="scenario", state="broke")
    assert "cannot watch endpointslices" in broke["reason"]


def test_an_agent_that_is_lost_breaks_it_and_names_the_agent(world):
    backends(world.api, "affinity")
    world.agents[Endpoint.parse("pod/a@n2")].outcome = lambda question: "lost"
    world.play("affinity")
    (broke,) = world.recording.entries("events", what="scenario", state="broke")
    assert (broke["step"], broke["reason"]) == ("before", "pod/a@n2: gone")


def test_a_mistake_in_a_script_is_told(world, monkeypatch):
    monkeypatch.setitem(playing.SCRIPTS, "affinity", lambda stage: 1 / 0)
    world.play("affinity")
    (broke,) = world.recording.entries("events", what="scenario", state="broke")
    assert broke["reason"] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_whatever_stops_the_run_every_scenario_puts_back_what_it_changed(world, monkeypatch, stop):
    restored, begun = [], threading.Event()

    def script(stage):
        with stage.step("changed"):
            try:
                begun.set()
                stage.pause(60.0)
            finally:
                restored.append(stage.scenario)

    def interrupted(threads, seconds, join=playing._join):
        if not restored and seconds == playing.LIMIT:
            begun.wait(5)
            raise stop
        join(threads, seconds)

    monkeypatch.setitem(playing.SCRIPTS, "affinity", script)
    monkeypatch.setattr(playing, "_join", interrupted)
    with pytest.raises(stop):
        world.play("affinity")
    assert restored == ["affinity"]
    assert notes(world, "affinity")[-1] == ("changed", "broke")


def test_questions_that_wait_for_an_agent_travel_together():
    source = Endpoint.parse("pod/a@n1")
    agent = Agent("pod/a@n1")
    agent.gate.clear()
    with Exchange({source: agent}, 0, lambda *_: None) as exchange:
        first = exchange.ask(source, {"id": "one"})
        while not agent.batches:
            time.sleep(0.01)
        others = [exchange.ask(source, {"id": name}) for name in ("two", "three")]
        agent.gate.set()
        assert [answer.result(5)["id"] for answer in (first, *others)] == ["one", "two", "three"]
    assert agent.batches == [["one"], ["two", "three"]]


def test_nobody_is_asked_who_is_not_there():
    with Exchange({}, 0, lambda *_: None) as exchange, pytest.raises(StreamLost, match="pod/a@n1 has no control stream"):
        exchange.ask(Endpoint.parse("pod/a@n1"), {"id": "one"}).result(1)


def test_a_tier_that_is_not_there_is_named(world):
    with pytest.raises(Broken, match="no namespace of tier privileged"):
        world.ground.space(Tier.PRIVILEGED)
