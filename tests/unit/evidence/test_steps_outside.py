"""externalTrafficPolicy Local and the health check port: who counts as a client outside, and which silence counts."""

from __future__ import annotations

import pytest
from scenario_world import NODES, Played

from pytest_k8snet.model.verdict import Inconclusive

PORT, RUNNER = "node-port/external-policy@{node}", "outside/runner"
OUTSIDE = "tcp4:outside/runner>node-port/external-policy@"


@pytest.fixture
def policy():
    played = Played("external-policy")
    played.recording.append("events", {"what": "runner", "address": "192.0.2.7", "port": 9})
    played.slices("cluster", "external-policy", ["pod/a@n1", "pod/b@n1"])
    played.service("local", "external-policy", "patched", externalTrafficPolicy="Local")
    for step, tries in (("cluster", 1), ("local", 2)):
        played.clients(step, PORT, *["pod/a@n1"] * tries)
        for node in NODES:
            silent = step == "local" and node != "n1"
            played.asked[step][OUTSIDE + node] = ["timeout" if silent else "pod/a@n1"] * tries
            played.replies[step, OUTSIDE + node] = {"peer": "192.0.2.7"}
    return played


def test_the_client_is_kept_and_other_nodes_are_silent(policy):
    assert policy.differences("client_kept") == []
    assert policy.differences("nodes_without_backend") == []
    assert len(policy.comparison("client_kept").expected) == 1
    assert len(policy.comparison("nodes_without_backend").expected) == 5


def test_a_client_that_is_masqueraded(policy):
    policy.replies["local", f"{OUTSIDE}n1"] = {"peer": "10.4.1.1"}
    assert policy.differences("client_kept") == [
        "step local: outside/runner > node-port/external-policy@n1 tcp: expected 192.0.2.7, found 10.4.1.1 (the client's own address)"
    ]


def test_a_backend_that_does_not_tell_whom_it_saw(policy):
    policy.replies["local", f"{OUTSIDE}n1"] = {}
    with pytest.raises(Inconclusive, match="a backend did not tell whom it saw at node n1"):
        policy.comparison("client_kept")


def test_a_node_that_answers_nobody_saw_nobody(policy):
    policy.asked["local"][f"{OUTSIDE}n1"] = ["timeout"] * 2
    with pytest.raises(Inconclusive, match="timeout, so that nobody saw the client"):
        policy.comparison("client_kept")
    with pytest.raises(Inconclusive, match="nodes with a backend do not answer this client either"):
        policy.comparison("nodes_without_backend")


@pytest.mark.parametrize(
    ("probe", "ends", "found"),
    [
        (f"{OUTSIDE}n2", ["pod/a@n1"] * 2, "expected no answer (timeout), found reached pod/a@n1"),
        (f"{OUTSIDE}n2", ["refused"] * 2, "expected no answer (timeout), found refused"),
        ("tcp4:pod/a@n2>node-port/external-policy@n2", ["timeout"] * 2, "expected an answer, found no answer"),
    ],
)
def test_nodes_without_backend_that_do_otherwise(policy, probe, ends, found):
    policy.asked["local"][probe] = ends
    (difference,) = policy.differences("nodes_without_backend")
    assert difference.endswith(f"{found} (no backend on n2; 0.5 s after the change)")


def test_a_node_that_no_client_outside_ever_reached(policy):
    policy.asked["cluster"][f"{OUTSIDE}n2"] = ["timeout"]
    with pytest.raises(Inconclusive, match="timeout under policy Cluster, see NET-SERVICE-009"):
        policy.comparison("nodes_without_backend")


@pytest.mark.parametrize("address", ["10.0.0.2", "10.4.2.77"])
@pytest.mark.parametrize("name", ["client_kept", "nodes_without_backend"])
def test_a_client_in_the_cluster_is_none_outside(policy, address, name):
    policy.recording.streams["events"][:] = [{"what": "runner", "address": address, "port": 9}]
    with pytest.raises(Inconclusive, match=rf"this process runs on node n2 \({address}\): nobody asked from outside"):
        policy.comparison(name)


def test_a_client_whose_address_is_not_known(policy):
    policy.recording.streams["events"].clear()
    with pytest.raises(Inconclusive, match="under which address this process reaches the nodes is not known"):
        policy.comparison("client_kept")
    assert policy.differences("nodes_without_backend") == []


def test_a_policy_that_was_not_changed(policy):
    policy.service("local", "external-policy", "patched", externalTrafficPolicy="Cluster")
    with pytest.raises(Inconclusive, match="externalTrafficPolicy of Service external-policy became Cluster, not Local"):
        policy.comparison("nodes_without_backend")


def test_a_backend_on_every_node_leaves_nothing_to_judge(policy):
    policy.slices("cluster", "external-policy", [f"pod/a@{node}" for node in NODES])
    with pytest.raises(Inconclusive, match="every node has a backend of Service external-policy"):
        policy.comparison("nodes_without_backend")


@pytest.fixture
def health():
    played = Played("terminating")
    played.pod("pod/going@n3")
    played.service("alone", "ending-alone", healthCheckNodePort=30999)
    played.slices("alone", "ending-alone", ["pod/going@n3"])
    played.slices("ending-alone", "ending-alone", ["pod/going@n3"], ready=False, serving=True, terminating=True)
    for node in NODES:
        played.facts["alone", f"health@{node}"] = {"code": 200 if node == "n3" else 503}
        played.facts["ending-alone", f"health@{node}"] = {"code": 503}
    return played


def test_the_health_port_follows_the_backend(health):
    assert health.differences("health_port") == []
    assert len(health.comparison("health_port").expected) == 6


@pytest.mark.parametrize(
    ("step", "node", "code", "wanted"), [("alone", "n3", 503, 200), ("alone", "n1", 200, 503), ("ending-alone", "n3", 200, 503)]
)
def test_a_health_port_that_lies(health, step, node, code, wanted):
    health.facts[step, f"health@{node}"] = {"code": code}
    (difference,) = health.differences("health_port")
    assert difference.startswith(f"step {step}: health of {node}: expected HTTP {wanted}, found HTTP {code} (http://health@{node}")


def test_a_health_port_that_could_not_be_read(health):
    health.facts["alone", "health@n2"] = {"code": None, "error": "timed out"}
    with pytest.raises(Inconclusive, match="step alone: health of n2: timed out"):
        health.comparison("health_port")


def test_a_backend_that_ended_meanwhile_tells_nothing(health):
    health.slices("ending-alone", "ending-alone", [])
    with pytest.raises(Inconclusive, match="no backend of Service ending-alone was terminating and serving any more"):
        health.comparison("health_port")


def test_a_service_without_the_port(health):
    health.service("alone", "ending-alone")
    with pytest.raises(Inconclusive, match="the API gave Service ending-alone no healthCheckNodePort"):
        health.comparison("health_port")
