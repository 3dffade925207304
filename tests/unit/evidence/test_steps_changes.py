"""Ports, types, families and timeouts of Services, from the record of their scenarios."""

from __future__ import annotations

import pytest
from scenario_world import NODES, Played

from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.verdict import Inconclusive

V4, V6 = Family.IPV4, Family.IPV6


@pytest.fixture
def ports():
    played = Played("ports")
    targets = {"tcp": (80, "TCP", "echo"), "udp": (80, "UDP", "echo-udp"), "number": (81, "TCP", 7803), "name": (82, "TCP", "second")}
    spec = [{"name": name, "port": port, "protocol": protocol, "targetPort": to} for name, (port, protocol, to) in targets.items()]
    played.service("asked", "ports", ports=spec)
    shown = [{"name": "tcp", "port": 7801}, {"name": "udp", "port": 7801}, {"name": "number", "port": 7803}, {"name": "name", "port": 7803}]
    played.slices("asked", "ports", ["pod/a@n1"], shown)
    for target, action, port in (
        ("ports", "tcp4", 7801),
        ("ports", "udp4", 7801),
        ("ports-number", "tcp4", 7803),
        ("ports-name", "tcp4", 7803),
    ):
        played.clients("asked", f"service/{target}", "pod/a@n1", action=action)
        played.replies |= {("asked", f"{action}:pod/a@{node}>service/{target}"): {"port": port} for node in NODES}
    return played


def test_every_port_leads_to_its_target(ports):
    assert ports.differences("ports") == []
    assert len(ports.comparison("ports").expected) == 12


def test_a_port_that_leads_to_another_target(ports):
    ports.replies["asked", "tcp4:pod/a@n2>service/ports-name"] = {"port": 7801}
    assert ports.differences("ports") == [
        "step asked: pod/a@n2 > service/ports-name tcp: expected port 7803, found port 7801 (port 82/TCP has targetPort second)"
    ]


def test_one_protocol_of_a_number_that_two_share(ports):
    ports.asked["asked"]["udp4:pod/a@n2>service/ports"] = ["timeout"]
    (difference,) = ports.differences("ports")
    assert difference.startswith("step asked: pod/a@n2 > service/ports udp: expected port 7801, found timeout (port 80/UDP")


def test_a_backend_that_does_not_tell_its_port(ports):
    ports.replies["asked", "tcp4:pod/a@n2>service/ports"] = {}
    with pytest.raises(Inconclusive, match="a backend did not tell pod/a@n2 at which port it was asked"):
        ports.comparison("ports")


def test_a_name_that_the_endpoints_do_not_resolve(ports):
    ports.slices("asked", "ports", ["pod/a@n1"])
    with pytest.raises(Inconclusive, match="give 0 numbers for targetPort echo"):
        ports.comparison("ports")


@pytest.fixture
def types():
    played = Played("retype")
    for step, kind in (("cluster-ip", "ClusterIP"), ("node-port", "NodePort"), ("cluster-ip-again", "ClusterIP"),
                       ("external-name-again", "ExternalName")):  # fmt: skip
        played.service(step, "retype", "patched", type=kind)
    inner, outer = "service/retype", "node-port/retype-port@{node}"
    played.clients("cluster-ip", inner, "pod/a@n1")
    played.clients("node-port", inner, "pod/a@n1")
    played.clients("node-port", outer, "pod/a@n1")
    played.clients("cluster-ip-again", inner, "pod/a@n1", "pod/a@n1")
    played.clients("cluster-ip-again", outer, "refused", "refused")
    played.clients("external-name-again", inner, "timeout", "timeout")
    played.clients("external-name-again", "pod/b@n3", "pod/b@n3", "pod/b@n3")
    return played


def test_every_type_takes_effect(types):
    assert types.differences("types") == []
    assert len(types.comparison("types").expected) == 4 + 3 * 6


@pytest.mark.parametrize(
    ("step", "target", "ends", "found"),
    [
        ("cluster-ip", "service/retype", ["timeout"], "expected an answer, found no answer"),
        ("node-port", "node-port/retype-port@n1", ["refused"], "expected an answer, found no answer"),
        ("cluster-ip-again", "node-port/retype-port@n1", ["pod/a@n1"] * 2, "expected no answer, found an answer"),
        (
            "external-name-again",
            "service/retype",
            ["pod/a@n1", "timeout"],
            "expected no answer, found 1 of 2 reached pod/a@n1, else timeout",
        ),
    ],
)
def test_a_type_that_takes_no_effect(types, step, target, ends, found):
    types.asked[step][f"tcp4:pod/a@n1>{target}"] = ends
    assert types.differences("types") == [f"step {step}: pod/a@n1 > {target} tcp: {found} (0.5 s after the change)"]


def test_a_type_that_the_api_did_not_take(types):
    types.service("node-port", "retype", "patched", type="ClusterIP")
    assert types.differences("types") == ["step node-port: type: expected NodePort, found ClusterIP"]


@pytest.mark.parametrize(("step", "beside"), [("cluster-ip-again", "service/retype"), ("external-name-again", "pod/b@n3")])
def test_silence_of_a_client_that_reaches_nothing_tells_nothing(types, step, beside):
    types.asked[step][f"tcp4:pod/a@n1>{beside}"] = ["timeout", "timeout"]
    types.asked[step].setdefault("tcp4:pod/a@n1>service/retype", ["timeout"] * 2)
    if step == "cluster-ip-again":
        assert len(types.differences("types")) == 1  # the ClusterIP's own row; the NodePort's silence adds nothing
        assert "step cluster-ip-again: pod/a@n1 > node-port/retype-port@n1 tcp" not in types.comparison("types").actual
    else:
        with pytest.raises(Inconclusive, match="pod/b@n3 gave no answer either"):
            types.comparison("types")


@pytest.fixture
def timeout():
    played = Played("affinity-timeout")
    for step, verb, seconds in (("default", "created", 10800), ("short", "patched", 1)):
        played.service(step, "affinity-timeout", verb, sessionAffinityConfig={"clientIP": {"timeoutSeconds": seconds}})
    played.slices("default", "affinity-timeout", ["pod/a@n1", "pod/b@n1"])
    played.clients("default", "service/affinity-timeout", "pod/a@n1")
    played.clients("held", "service/affinity-timeout", *["pod/a@n1"] * 20)
    played.clients("after-0", "service/affinity-timeout", *["pod/a@n1"] * 3)
    played.clients("after-1", "service/affinity-timeout", *["pod/b@n1"] * 3)
    return played


def test_clients_that_were_held_move(timeout):
    assert timeout.differences("affinity_timeout") == []
    assert len(timeout.comparison("affinity_timeout").expected) == 2 + 3 + 1


def test_clients_that_stay_for_ever(timeout):
    for number in range(6):
        timeout.clients(f"after-{number}", "service/affinity-timeout", *["pod/a@n1"] * 3)
    (difference,) = timeout.differences("affinity_timeout")
    assert difference.startswith(
        "step after: clients that were silent for more than 1 s: expected some client moved, found every client stayed (pod/a@n1: pod/a@n1"
    )


def test_rounds_that_are_missing_are_no_staying(timeout):
    timeout.clients("after-1", "service/affinity-timeout", *["pod/a@n1"] * 3)
    with pytest.raises(Inconclusive, match="every answer of 6 rounds"):
        timeout.comparison("affinity_timeout")


def test_clients_that_were_never_held_do_not_move(timeout):
    timeout.asked["held"]["tcp4:pod/a@n2>service/affinity-timeout"] = ["pod/a@n1", "pod/b@n1"]
    (difference,) = timeout.differences("affinity_timeout")
    assert difference.startswith("step held: pod/a@n2 > service/affinity-timeout tcp: expected one backend, found several backends")


def test_who_was_lost_did_not_move(timeout):
    for number in range(6):
        timeout.clients(f"after-{number}", "service/affinity-timeout", *["pod/a@n1"] * 3)
    timeout.asked["held"]["tcp4:pod/a@n2>service/affinity-timeout"] = ["timeout"]
    assert [line.partition(" (")[0] for line in timeout.differences("affinity_timeout")] == [
        "step held: pod/a@n2 > service/affinity-timeout tcp: expected one backend, found timeout",
        "step after: clients that were silent for more than 1 s: expected some client moved, found every client stayed",
    ]


def test_a_client_that_never_got_an_answer_was_not_held(timeout):
    for step in ("default", "held"):
        timeout.asked[step]["tcp4:pod/a@n2>service/affinity-timeout"] = ["timeout"]
    with pytest.raises(Inconclusive, match=r"step default: pod/a@n2 > .* timeout before it was held, see NET-SERVICE-001"):
        timeout.comparison("affinity_timeout")


def test_too_few_requests_hold_nobody(timeout):
    timeout.asked["held"]["tcp4:pod/a@n2>service/affinity-timeout"] = ["pod/a@n1"] * 3
    with pytest.raises(Inconclusive, match="3 of 20 requests of pod/a@n2"):
        timeout.comparison("affinity_timeout")


@pytest.mark.parametrize(("step", "wanted"), [("default", "10800"), ("short", "1")])
def test_another_timeout(timeout, step, wanted):
    timeout.service(step, "affinity-timeout", "patched", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 7}})
    assert timeout.differences("affinity_timeout") == [f"step {step}: timeoutSeconds: expected {wanted}, found 7"]


def test_one_backend_alone_holds_everybody(timeout):
    timeout.slices("default", "affinity-timeout", ["pod/a@n1"])
    with pytest.raises(Inconclusive, match="fewer than two backends"):
        timeout.comparison("affinity_timeout")


@pytest.fixture
def families():
    played = Played("service-families", (V4, V6))
    default = {"metadata": {"namespace": "default", "name": "kubernetes"}, "spec": {"clusterIP": "10.96.0.1"}}
    played.recording.append("objects", {"name": "services", "status": 200, "body": {"items": [default]}})
    both = {"ipFamilies": ["IPv4", "IPv6"], "clusterIPs": ["10.96.0.9", "fd96::9"]}
    played.service("asked", "family-single", ipFamilyPolicy="SingleStack", ipFamilies=["IPv4"], clusterIPs=["10.96.0.8"])
    played.service("asked", "family-prefer", ipFamilyPolicy="PreferDualStack", **both)
    played.service("asked", "family-require", ipFamilyPolicy="RequireDualStack", **both)
    for name in ("single", "prefer", "require"):
        for action in ("tcp4", "tcp6")[: 1 if name == "single" else 2]:
            played.clients("asked", f"service/family-{name}", "pod/a@n1", action=action)
    return played


def test_every_policy_gives_its_families(families):
    assert families.differences("families") == []
    assert len(families.comparison("families").expected) == 9 + 3 * 5


@pytest.mark.parametrize(
    ("name", "spec", "found"),
    [
        ("family-prefer", {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4"], "clusterIPs": ["10.96.0.9"]},
         ["family-prefer ipFamilies: expected ipv4 ipv6, found ipv4",
          "family-prefer clusterIPs: expected ipv4 ipv6, found ipv4 (10.96.0.9)"]),
        ("family-single", {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"], "clusterIPs": ["fd96::8"]},
         ["family-single ipFamilies: expected ipv4, found ipv6", "family-single clusterIPs: expected ipv4, found ipv6 (fd96::8)"]),
        ("family-require", {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"], "clusterIPs": ["fd96::9", "10.96.0.9"]},
         ["family-require ipFamilies: expected ipv4 ipv6, found ipv6 ipv4",
          "family-require clusterIPs: expected ipv4 ipv6, found ipv6 ipv4 (fd96::9 10.96.0.9)"]),
    ],
)  # fmt: skip
def test_families_that_were_not_asked_for(families, name, spec, found):
    families.service("asked", name, **spec)
    assert families.differences("families") == [f"step asked: {line}" for line in found]


def test_an_address_that_does_not_answer(families):
    families.asked["asked"]["tcp6:pod/a@n2>service/family-prefer"] = ["timeout"]
    assert families.differences("families") == [
        "step asked: pod/a@n2 > service/family-prefer tcp over ipv6: expected an answer, found no answer (fd96::9)"
    ]


def test_a_service_that_was_not_made(families):
    del families.objects["asked", "Service/family-require"]
    with pytest.raises(Inconclusive, match="Service family-require with ipFamilyPolicy RequireDualStack was not created"):
        families.comparison("families")


def test_the_first_family_is_told_by_the_cluster(families):
    families.recording.streams["objects"].clear()
    with pytest.raises(Inconclusive, match="Service default/kubernetes, which shows the first family, was not read"):
        families.comparison("families")
