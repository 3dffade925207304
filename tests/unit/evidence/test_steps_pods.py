"""New pods, hostPorts and one NetworkPolicy: what was seen, and what a cluster without enforcement cannot show."""

from __future__ import annotations

import pytest
from scenario_world import NODES, SPACE, Played

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable


@pytest.fixture
def fresh():
    played = Played("fresh-pod")
    played.pod("pod/fresh@n3")
    played.clients("asked", "pod/fresh@n3", "pod/fresh@n3")
    return played


def test_a_new_pod_is_reached_soon(fresh):
    assert fresh.differences("fresh_pod") == []
    assert set(fresh.comparison("fresh_pod").notes.values()) == {"first answer 1.0 s after Ready"}


def test_a_new_pod_that_one_node_never_reaches(fresh):
    fresh.asked["asked"]["tcp4:pod/a@n1>pod/fresh@n3"] = ["timeout"]
    assert fresh.differences("fresh_pod") == [
        "step asked: pod/a@n1 > pod/fresh@n3 tcp: expected an answer within 30 s, found timeout (never answered)"
    ]


def test_a_new_pod_that_is_reached_late(fresh):
    next(fresh.recording.entries("fleet", endpoint="pod/fresh@n3"))["at"] = -40.0
    assert len(fresh.differences("fresh_pod")) == 3
    assert "first answer 46.0 s after Ready" in fresh.differences("fresh_pod")[0]


@pytest.fixture
def shared():
    played = Played("host-port")
    for kind, host, protocol in (("loopback", "127.0.0.1", "TCP"), ("tcp", "10.0.0.3", "TCP"), ("udp", "10.0.0.3", "UDP")):
        played.pod(f"pod/host-port-{kind}@n3")
        port = {"containerPort": 7801, "hostPort": 18901, "hostIP": host, "protocol": protocol}
        played.objects["asked", f"Pod/host-port-{kind}-n3"] = ("created", {"spec": {"containers": [{"ports": [port]}]}})
    for action, kind in (("tcp4", "tcp"), ("udp4", "udp")):
        for source in ("pod/a", "host"):
            played.clients("asked", "node-port/host-port@n3", f"pod/host-port-{kind}@n3", action=action, source=source)
    played.asked["asked"]["tcp4:host@n3>loopback/host-port@n3"] = ["pod/host-port-loopback@n3"]
    return played


def test_hosts_and_protocols_tell_the_pods_apart(shared):
    assert shared.differences("host_ports") == []
    assert len(shared.comparison("host_ports").expected) == 3 * 2 * 2 + 1


@pytest.mark.parametrize(
    ("probe", "end", "text"),
    [
        ("tcp4:pod/a@n1>node-port/host-port@n3", "refused", "reached pod/host-port-tcp@n3, found refused (its hostPort is at 10.0.0.3)"),
        ("udp4:host@n2>node-port/host-port@n3", "pod/host-port-tcp@n3", "reached pod/host-port-udp@n3, found reached pod/host-port-tcp@n3"),
        ("tcp4:host@n3>loopback/host-port@n3", "pod/host-port-tcp@n3", "reached pod/host-port-loopback@n3, found reached pod/host-port"),
    ],
)  # fmt: skip
def test_a_host_port_that_nobody_or_somebody_else_has(shared, probe, end, text):
    shared.asked["asked"][probe] = [end]
    (difference,) = shared.differences("host_ports")
    assert f"expected {text}" in difference


@pytest.mark.parametrize("probe", ["tcp4:host@n1>node-port/host-port@n3", "tcp4:host@n3>loopback/host-port@n3"])
def test_a_host_port_that_was_not_asked(shared, probe):
    del shared.asked["asked"][probe]
    with pytest.raises(Inconclusive, match="was not asked about"):
        shared.comparison("host_ports")


def test_a_pod_without_its_host_port(shared):
    shared.objects["asked", "Pod/host-port-udp-n3"] = ("created", {"spec": {"containers": [{"ports": [{"containerPort": 7801}]}]}})
    with pytest.raises(Inconclusive, match=r"no pod was made with a hostPort at 10\.0\.0\.3 for udp"):
        shared.comparison("host_ports")


def policed(*ends):
    """Under the policy every client ends so."""
    played = Played("enforcement")
    played.pod("pod/policed@n3")
    played.recording.append("objects", {"name": "networkpolicies", "status": 200, "body": {"items": []}})
    played.clients("free", "pod/policed@n3", "pod/policed@n3")
    played.clients("denied", "pod/policed@n3", *ends)
    played.clients("denied", "pod/b@n3", "pod/b@n3", "pod/b@n3")
    played.clients("freed", "pod/policed@n3", "pod/policed@n3")
    return played


@pytest.fixture
def enforced():
    return policed("timeout", "timeout")


@pytest.fixture
def ignored():
    played = policed("pod/policed@n3", "pod/policed@n3")
    del played.asked["freed"]
    return played


def policy(played, space="shop", name="deny-all"):
    (entry,) = played.recording.entries("objects", name="networkpolicies")
    entry["body"]["items"].append({"metadata": {"namespace": space, "name": name}})


def test_a_policy_that_is_enforced(enforced):
    assert enforced.differences("enforcement") == []
    assert enforced.differences("unpoliced") == []
    assert "policies are enforced here, some clients are kept out" in enforced.comparison("enforcement").caption


@pytest.mark.parametrize("name", ["enforcement", "unpoliced"])
def test_without_enforcement_nothing_passes(ignored, name):
    policy(ignored)
    with pytest.raises(
        NotApplicable, match=r"NetworkPolicies are not enforced in this cluster: .*; policies without effect: shop/deny-all$"
    ):
        ignored.comparison(name)


def test_without_enforcement_and_policies(ignored):
    with pytest.raises(NotApplicable, match="policies without effect: there is none"):
        ignored.comparison("enforcement")


def test_enforcement_that_was_declared_and_is_not_there(ignored):
    ignored.recording.meta["settings"]["features"]["netpol"] = True
    differences = ignored.differences("enforcement")
    assert len(differences) == 3
    assert differences[0].startswith("step denied: pod/a@n1 > pod/policed@n3 tcp: expected no answer, found an answer")


def test_enforcement_on_some_nodes(enforced):
    enforced.asked["denied"]["tcp4:pod/a@n2>pod/policed@n3"] = ["pod/policed@n3"] * 2
    (difference,) = enforced.differences("enforcement")
    assert difference.startswith("step denied: pod/a@n2 > pod/policed@n3 tcp: expected no answer, found an answer")


@pytest.mark.parametrize(
    ("step", "target", "reason"),
    [
        ("denied", "pod/b@n3", "no answer, but pod/b@n3, which the policy does not select, ended so too: timeout"),
        ("freed", "pod/policed@n3", "no answer, but timeout when the policy was gone"),
        ("free", "pod/policed@n3", "timeout without any policy"),
    ],
)
def test_silence_that_is_not_the_policys(enforced, step, target, reason):
    for node in NODES:
        enforced.asked[step][f"tcp4:pod/a@{node}>{target}"] = ["timeout"] * len(enforced.asked[step][f"tcp4:pod/a@{node}>{target}"])
    with pytest.raises(Inconclusive, match="whether NetworkPolicies are enforced cannot be told"):
        enforced.comparison("enforcement")
    enforced.recording.meta["settings"]["features"]["netpol"] = True
    with pytest.raises(Inconclusive, match=reason):
        enforced.comparison("enforcement")


def test_a_pod_that_died_is_no_enforcement(ignored):
    for node in NODES:
        ignored.asked["denied"][f"tcp4:pod/a@{node}>pod/policed@n3"] = ["refused"] * 2
    with pytest.raises(Inconclusive, match="step freed of scenario enforcement was not observed"):
        ignored.comparison("enforcement")


def test_a_flaky_network_is_no_enforcement(ignored):
    ignored.asked["denied"]["tcp4:pod/a@n2>pod/policed@n3"] = ["pod/policed@n3", "timeout"]
    with pytest.raises(Inconclusive, match=r"cannot be told: .*pod/a@n2: 1 of 2 reached pod/policed@n3, else timeout"):
        ignored.comparison("enforcement")


def test_policies_that_could_not_be_listed(ignored):
    next(ignored.recording.entries("objects", name="networkpolicies"))["status"] = 403
    with pytest.raises(Inconclusive, match="the NetworkPolicies of the cluster could not be listed"):
        ignored.comparison("enforcement")


def test_a_pod_that_is_isolated_without_a_policy(enforced):
    enforced.asked["free"]["tcp4:pod/a@n2>pod/policed@n3"] = ["timeout"]
    assert enforced.differences("unpoliced") == ["step free: pod/a@n2 > pod/policed@n3 tcp: expected an answer, found no answer"]


def test_a_policy_of_somebody_else_in_the_runs_namespace(enforced):
    policy(enforced, SPACE, "default-deny")
    with pytest.raises(Inconclusive, match=f"NetworkPolicy {SPACE}/default-deny is in the namespace of the probe pods"):
        enforced.comparison("unpoliced")
