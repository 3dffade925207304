"""A frame counts for a cell only if it answers what was planned: at the target's address, often enough, known to the target."""

from __future__ import annotations

import copy

import pytest

ID = "NET-REACH-005"
PROBE = "tcp4:pod/a@n1>pod/a@n2"
API = "NET-REACH-015"


def seen(world, change=lambda nonces: None):
    """What pod/a@n2 counted, with a change."""
    nonces = {sample["nonce"]: {"count": 1, "peer": "10.4.1.7", "ttl": 62} for sample in world.frames[PROBE]["samples"]}
    change(nonces)
    frame = {"run": "r1", "kind": "seen", "nonces": nonces, "foreign": 0, "overflow": 0}
    world.recording.append("frames", {"source": "pod/a@n2", "frame": frame})


@pytest.mark.parametrize("requirement", [ID, "NET-REACH-008", "NET-REACH-013"])
@pytest.mark.parametrize("address", ["203.0.113.9", None])
def test_another_address_than_the_targets(world, requirement, address):
    plan = world.plans[requirement][0]
    world.frames[str(plan.probe)]["request"]["address"] = address
    wanted = {entry["endpoint"]: entry["ip"] for entry in world.recording.entries("fleet")}[str(plan.probe.target)]
    text = f"not observed: {plan.probe.source} asked {address or 'no address'}, but {plan.probe.target} is at {wanted}"
    assert world.judge(requirement) == ("inconclusive", text)


@pytest.mark.parametrize("requirement", ["NET-REACH-001", "NET-SERVICE-007", API])
def test_an_address_of_nobody(world, requirement):
    statuses = set()
    for plan in world.plans[requirement]:
        frame = world.frames[str(plan.probe)]
        frame["request"]["address"] = "203.0.113.9"
        statuses.add((str(plan.probe.target), world.judge_plan(plan)[0]))
    assert {status for target, status in statuses if target != "api/service"} == {"inconclusive"}


def test_a_target_whose_address_is_not_known(world):
    next(entry for entry in world.recording.streams["fleet"] if entry["endpoint"] == "pod/a@n2")["ip"] = ""
    assert world.judge(ID) == ("inconclusive", "not observed: the address of pod/a@n2 is not known")


def test_another_expected_peer(world):
    world.frames[PROBE]["request"]["expect"] = "pod/b@n2"
    assert world.judge(ID) == ("inconclusive", "not observed: pod/a@n1 expected pod/b@n2 to answer, not pod/a@n2")


def test_fewer_samples_than_planned_although_the_frame_asks_for_no_more(world):
    world.frames[PROBE]["request"]["samples"] = 1
    del world.samples(ID)[2:]
    assert world.judge(ID) == ("inconclusive", "not observed: 1 of the 3 planned samples of tcp at pod/a@n1 came back")


def test_a_frame_that_was_not_asked_to_go_on(world):
    request = world.frames[str(world.plans["NET-SERVICE-001"][0].probe)]["request"]
    del request["until"]
    assert world.judge("NET-SERVICE-001")[1].endswith("was not asked to go on until 3 servers answered")


def test_copies_of_one_sample_are_one_sample(world):
    samples = world.samples(ID)
    samples[2:] = [copy.deepcopy(samples[1]) for _ in samples[2:]]
    assert world.judge(ID) == ("inconclusive", "not observed: 3 samples of tcp at pod/a@n1 do not have a nonce each")


def test_what_the_target_saw_once_was_there(world):
    seen(world)
    assert world.judge(ID) == ("passed", "")


@pytest.mark.parametrize("count", [0, 2])
def test_what_the_target_did_not_see_once_is_open(world, count):
    nonce = world.samples(ID)[2]["nonce"]
    seen(world, lambda nonces: nonces.update({nonce: {"count": count}}) if count else nonces.pop(nonce))
    text = f"not observed: pod/a@n2 answered pod/a@n1's nonce {nonce}, but saw it {count} times"
    assert world.judge(ID) == ("inconclusive", text)


def test_what_a_target_of_another_run_saw_does_not_matter(world):
    seen(world, dict.clear)
    world.recording.streams["frames"][-1]["frame"]["run"] = "r2"
    assert world.judge(ID)[0] == "passed"


def test_an_unanswered_nonce_need_not_be_seen(world):
    world.alter(ID, outcome="timeout")
    seen(world, dict.clear)
    assert world.judge(ID)[0] == "failed"


@pytest.mark.parametrize(("requirement", "field"), [("NET-NAT-001", "peer"), ("NET-PATH-002", "ttl"), ("NET-SERVICE-006", "server")])
def test_one_sample_without_the_property_is_enough_to_leave_it_open(world, requirement, field):
    world.samples(requirement)[2]["reply"][field] = None
    status, message = world.judge(requirement)
    assert status == ("failed" if field == "server" else "inconclusive"), message


def test_a_control_that_asked_somebody_else_is_none(world):
    requirement = next(i for i, plans in world.plans.items() if plans and plans[0].controls and not plans[0].reach)
    plan = world.plans[requirement][0]
    for control in plan.controls:
        world.frames[str(control)]["request"]["expect"] = "pod/x@n9"
    world.alter(requirement, outcome="timeout")
    assert world.judge(requirement)[0] == "inconclusive"


# The API server


@pytest.mark.parametrize("sans", [["kubernetes"], ["x", "kubernetes.default"], ["Kubernetes.Default.svc"]])
def test_a_certificate_of_the_api_server(world, sans):
    for number in range(len(world.plans[API])):
        world.alter(API, number, reply_sans=sans)
        assert world.judge(API, number) == ("passed", "")


def test_an_endpoint_may_show_its_address(world):
    targets = {str(plan.probe.target): number for number, plan in enumerate(world.plans[API])}
    for number in targets.values():
        world.alter(API, number, reply_sans=["172.30.0.11"])
    assert world.judge(API, targets["api/172.30.0.11:6443"]) == ("passed", "")
    assert world.judge(API, targets["api/service"])[0] == "failed"


@pytest.mark.parametrize("sans", [["totally-other.example"], ["kubernetes.example", "172.30.0.99"], []])
def test_another_server_is_the_wrong_peer(world, sans):
    world.alter(API, reply_sans=sans, reply_issuer="O=Somebody")
    status, message = world.judge(API)
    assert status == "failed"
    assert f"3 wrong-peer: a server with a certificate for {', '.join(sorted(sans)) or 'none'} answered" in message


@pytest.mark.parametrize("reply", [{"status": 200}, {"status": 200, "sans": [], "issuer": ""}])
def test_a_certificate_that_was_not_read(world, reply):
    world.alter(API, reply=reply)
    status, message = world.judge(API)
    assert (status, "the certificate was not read" in message) == ("inconclusive", True)
