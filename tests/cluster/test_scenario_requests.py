"""What each scenario asks of the API server: requests are bounded, and this is where they are counted."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_k8snet.cluster.discovery import discover
from pytest_k8snet.collect.manifests import Owner
from pytest_k8snet.collect.runner import RUNNER
from pytest_k8snet.collect.scenarios import affinity_timeout, enforcement, pods
from pytest_k8snet.collect.scenarios import play as playing
from pytest_k8snet.collect.scenarios import stage as staging
from pytest_k8snet.collect.scenarios.objects import Ground
from pytest_k8snet.collect.scenarios.scripts import SCRIPTS
from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.settings import Tier
from pytest_k8snet.parse.objects import inventory
from pytest_k8snet.plan.scenarios import AFFINITY_ROUNDS

from .scripted_agent import Agent

SPACES = {tier: f"k8snet-r1-{tier}" for tier in (Tier.RESTRICTED, Tier.PRIVILEGED)}
MADE = {  # POST, PATCH and DELETE of each scenario; readiness and terminating connect to an agent besides
    "affinity": 2,
    "affinity-timeout": 2,
    "enforcement": 2,
    "external-policy": 2,
    "fresh-pod": 1,
    "host-port": 3,
    "internal-policy": 2,
    "ports": 1,
    "readiness": 2,
    "retype": 5,
    "selectorless": 2,
    "service-families": 3,
    "terminating": 5,
    "udp-flow": 2,
}


@pytest.fixture
def play(api, connection, settings, recording, monkeypatch):
    """A cluster of two nodes in which every change is there at once, as far as scenarios can see."""
    monkeypatch.setattr(staging, "CHANGE", 0.2)
    monkeypatch.setattr(enforcement, "EFFECT", 0.1)
    monkeypatch.setattr(affinity_timeout, "AFFINITY_SECONDS", -1.0)
    monkeypatch.setattr(staging.Stage, "slices", lambda *_: [])
    monkeypatch.setattr(pods.Pods, "stream", lambda _self, role, node: Agent(role.endpoint(node)))
    discover(connection, recording, settings)
    for space in SPACES.values():
        api.put("namespaces", "", space, {"metadata": {"uid": f"uid-of-{space}"}})
    names = [f"{end}@{node}" for end in ("host", "pod/a", "pod/b") for node in ("n1", "n2")]
    for number, name in enumerate(names, 2):
        entry = {"endpoint": name, "namespace": SPACES[Tier.RESTRICTED], "pod": name, "ip": f"10.4.1.{number}", "port": 7801, "problem": ""}
        recording.append("fleet", entry)
    agents = {endpoint: Agent(endpoint) for endpoint in [RUNNER, *map(Endpoint.parse, names)]}
    ground = Ground(connection, settings, Owner.of(settings), SPACES)

    def played(*scenarios):
        before = len(api.log)
        playing.play(scenarios, ground, inventory(recording), agents, recording)
        return api.log[before:]

    played.agents = agents
    return played


@pytest.mark.parametrize("scenario", SCRIPTS)
def test_requests_of_a_scenario(scenario, play, recording):
    log = play(scenario)
    (last,) = [note for note in recording.entries("events", what="scenario") if note["state"] in ("broke", "ended")]
    assert last["state"] == "ended", last
    assert sum("watch=" not in line for line in log) == MADE[scenario], log


def test_one_watch_a_kind_and_namespace(play):
    log = play(*(name for name in SCRIPTS if name != "service-families"))
    watches = Counter(line.partition("?")[0] for line in log if "watch=" in line)
    assert watches == {f"GET /api/v1/namespaces/{space}/pods": 1 for space in SPACES.values()}


def steps(recording, scenario):
    return [(note["step"], note["state"]) for note in recording.entries("events", what="scenario", scenario=scenario)]


def test_a_policy_that_keeps_nobody_out_goes_with_its_namespace(play, recording, api):
    play("enforcement")
    assert [step for step in steps(recording, "enforcement") if step[1] in ("settled", "gave-up", "ended")] == [
        ("free", "settled"), ("denied", "gave-up"), ("", "ended"),
    ]  # fmt: skip
    assert ("networkpolicies", SPACES[Tier.RESTRICTED], "deny") in api.objects


def test_a_policy_that_keeps_somebody_out_is_taken_away_and_he_is_asked_again(play, recording, api):
    one = play.agents[Endpoint.parse("pod/a@n1")]
    one.outcome = lambda question: "timeout" if ".denied." in question["id"] and "policed" in question["id"] else "reached"
    log = play("enforcement")
    assert ("freed", "settled") in steps(recording, "enforcement")
    assert ("networkpolicies", SPACES[Tier.RESTRICTED], "deny") not in api.objects
    assert sum("watch=" not in line for line in log) == MADE["enforcement"] + 1
    asked = {entry["frame"]["id"].partition(">")[2] for entry in recording.entries("frames", scenario="enforcement", step="denied")}
    assert asked == {"pod/policed@n2", "pod/b@n2"}


def test_a_node_that_has_not_heard_of_the_local_policy_is_asked_again(play, recording):
    client = Endpoint.parse("outside/runner")
    recording.append("events", {"what": "runner", "address": "203.0.113.10", "port": 0})
    late = iter(["10.4.1.1", "203.0.113.10"])
    silent = lambda question: "timeout" if ".local." in question["id"] and question["id"].endswith("@n2") else "reached"  # noqa: E731
    play.agents[client].outcome = silent
    play.agents[client].peer = lambda question: next(late) if ".local." in question["id"] and question["id"].endswith("@n1") else ""
    play("external-policy")
    assert ("local", "settled") in steps(recording, "external-policy")
    asked = [entry["frame"]["id"] for entry in recording.entries("frames", scenario="external-policy", step="local")]
    assert len([id for id in asked if "runner>" in id and id.endswith("@n1")]) == 2


@pytest.mark.parametrize(("server", "rounds"), [("pod/a@n1", AFFINITY_ROUNDS), ("pod/b@n1", 1)])
def test_clients_are_asked_until_one_moved(play, recording, server, rounds):
    play.agents[Endpoint.parse("pod/a@n1")].server = lambda question: server if ".after-" in question["id"] else "pod/a@n1"
    play("affinity-timeout")
    asked = [step for step, state in steps(recording, "affinity-timeout") if state == "asked"]
    assert asked == ["held", *(f"after-{number}" for number in range(rounds))]
