"""Backends that come, go and are replaced: what counts as seen, and which silence counts at all."""

from __future__ import annotations

import pytest
from scenario_world import Played

from pytest_k8snet.model.verdict import Inconclusive

CLIENT = "pod/a@n1"
ENDING = {"ready": False, "serving": True, "terminating": True}


@pytest.fixture
def readiness():
    played = Played("readiness")
    played.pod("pod/readiness@n3")
    played.clients("ready", "service/readiness", "pod/readiness@n3")
    played.clients("unready", "service/readiness", "refused", "refused")
    played.clients("unready", "pod/readiness@n3", "pod/readiness@n3", "pod/readiness@n3")
    played.clients("ready-again", "service/readiness", "pod/readiness@n3")
    return played


def test_a_backend_that_leaves_and_returns(readiness):
    assert readiness.differences("readiness") == []
    assert len(readiness.comparison("readiness").expected) == 6


@pytest.mark.parametrize(
    ("step", "ends", "found"),
    [
        (
            "unready",
            ["pod/readiness@n3"] * 2,
            "expected no answer, found an answer (0.5 s after the change; pod/readiness@n3 itself answers)",
        ),
        ("unready", ["pod/readiness@n3", "refused"], "expected no answer, found 1 of 2 reached pod/readiness@n3, else refused"),
        ("unready", ["wrong-peer", "refused"], "expected no answer, found refused"),
        ("ready-again", ["refused"], "expected an answer, found no answer (0.5 s after the change)"),
    ],
)
def test_a_backend_that_stays_or_does_not_return(readiness, step, ends, found):
    readiness.asked[step]["tcp4:pod/a@n1>service/readiness"] = ends
    (difference,) = readiness.differences("readiness")
    assert difference.startswith(f"step {step}: {CLIENT} > service/readiness tcp: {found}")


def test_silence_of_a_backend_that_is_down_tells_nothing(readiness):
    readiness.asked["unready"]["tcp4:pod/a@n1>pod/readiness@n3"] = ["refused", "refused"]
    with pytest.raises(Inconclusive, match="step unready: pod/a@n1 > service/readiness tcp: pod/readiness@n3 gave no answer either"):
        readiness.comparison("readiness")


def test_silence_before_the_change_tells_nothing(readiness):
    readiness.asked["ready"]["tcp4:pod/a@n1>service/readiness"] = ["timeout"]
    with pytest.raises(Inconclusive, match="timeout before anything was changed, see NET-SERVICE-001"):
        readiness.comparison("readiness")


def test_a_client_that_came_too_late_to_hear_is_no_silence(readiness):
    readiness.asked["unready"]["tcp4:pod/a@n1>service/readiness"] = ["timeout", "timeout"]
    readiness.details["unready", "tcp4:pod/a@n1>service/readiness"] = {"starved": 1.5}
    with pytest.raises(Inconclusive, match=r"the agent at pod/a@n1 was starved of processor time for 1\.5 s"):
        readiness.comparison("readiness")


@pytest.fixture
def terminating():
    played = Played("terminating")
    for one in ("pod/going@n3", "pod/staying@n3"):
        played.pod(one)
    played.slices("alone", "ending-alone", ["pod/going@n3"])
    played.slices("beside", "ending-beside", ["pod/going@n3", "pod/staying@n3"])
    played.slices("ending-beside", "ending-beside", ["pod/going@n3"], **ENDING)
    played.slices("ending-alone", "ending-alone", ["pod/going@n3"], **ENDING)
    played.clients("alone", "service/ending-alone", "pod/going@n3")
    played.clients("beside", "service/ending-beside", "pod/going@n3", "pod/staying@n3")
    played.clients("ending-beside", "service/ending-beside", *["pod/staying@n3"] * 20)
    played.clients("ending-alone", "service/ending-alone", *["pod/going@n3"] * 3)
    return played


def test_an_ending_backend_serves_only_where_there_is_no_other(terminating):
    assert terminating.differences("terminating") == []
    assert len(terminating.comparison("terminating").expected) == 6


@pytest.mark.parametrize(
    ("step", "service", "ends", "found"),
    [
        ("ending-beside", "ending-beside", ["pod/staying@n3", "pod/going@n3"],
         "expected reached pod/staying@n3, found reached pod/going@n3 (1), pod/staying@n3 (1) (the backend that is ready)"),
        ("ending-alone", "ending-alone", ["refused"] * 3,
         "expected reached pod/going@n3, found refused (all backends are terminating, and this one still serves)"),
    ],
)  # fmt: skip
def test_an_ending_backend_in_the_wrong_place(terminating, step, service, ends, found):
    terminating.asked[step][f"tcp4:pod/a@n1>service/{service}"] = ends
    assert terminating.differences("terminating") == [f"step {step}: {CLIENT} > service/{service} tcp: {found}"]


def test_few_requests_that_met_the_ready_one_say_nothing(terminating):
    terminating.asked["ending-beside"]["tcp4:pod/a@n2>service/ending-beside"] = ["pod/staying@n3"] * 3
    with pytest.raises(Inconclusive, match="3 of 20 requests of pod/a@n2"):
        terminating.comparison("terminating")


def test_a_client_that_never_met_the_other_backend_says_nothing(terminating):
    terminating.asked["beside"]["tcp4:pod/a@n2>service/ending-beside"] = ["pod/staying@n3"] * 20
    with pytest.raises(Inconclusive, match=r"step beside: pod/a@n2 > .*: reached pod/staying@n3 only, while both backends were ready"):
        terminating.comparison("terminating")


@pytest.mark.parametrize("conditions", [{"ready": False, "serving": False, "terminating": True}, {"ready": True}])
@pytest.mark.parametrize("step", ["ending-beside", "ending-alone"])
def test_a_backend_that_was_not_ending_or_served_no_more_is_not_assessed(terminating, step, conditions):
    terminating.slices(step, step, ["pod/going@n3"], **conditions)
    with pytest.raises(Inconclusive, match=f"step {step}: no endpoint of Service {step} is terminating and serves, not pod/going@n3"):
        terminating.comparison("terminating")


@pytest.fixture
def udp_flow():
    played = Played("udp-flow")
    played.slices("first", "udp-flow", ["pod/b@n1"])
    played.slices("replaced", "udp-flow", ["pod/b@n2"])
    played.clients("first", "service/udp-flow", "pod/b@n1", action="udp4")
    played.clients("replaced", "service/udp-flow", "pod/b@n2", action="udp4")
    for step, probes in played.asked.items():
        played.details |= {(step, probe): {"local_port": 7810} for probe in probes}
    return played


def test_a_flow_that_follows(udp_flow):
    assert udp_flow.differences("udp_flow") == []
    assert len(udp_flow.comparison("udp_flow").expected) == 3


def test_a_flow_that_stays_with_the_old_backend(udp_flow):
    udp_flow.asked["replaced"]["udp4:pod/a@n1>service/udp-flow"] = ["pod/b@n1"]
    (difference,) = udp_flow.differences("udp_flow")
    assert difference == (
        "step replaced: pod/a@n1 > service/udp-flow udp: expected reached pod/b@n2, found reached pod/b@n1 "
        "(from port 7810 as before, 0.5 s after the EndpointSlice changed)"
    )


@pytest.mark.parametrize("port", [0, 40001])
def test_another_source_port_is_another_flow(udp_flow, port):
    udp_flow.details["replaced", "udp4:pod/a@n1>service/udp-flow"] = {"local_port": port}
    with pytest.raises(Inconclusive, match="pod/a@n1 did not keep its source port"):
        udp_flow.comparison("udp_flow")


@pytest.mark.parametrize("names", [["pod/b@n1"], ["pod/b@n1", "pod/b@n2"], []])
def test_a_backend_that_was_not_replaced(udp_flow, names):
    udp_flow.slices("replaced", "udp-flow", names)
    with pytest.raises(Inconclusive, match="backends pod/b@n1 of Service udp-flow were not replaced"):
        udp_flow.comparison("udp_flow")


@pytest.fixture
def selectorless():
    played = Played("selectorless")
    addresses = [played.address(one) for one in ("pod/a@n1", "pod/b@n3")]
    endpoints = [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]
    played.objects["listed", "EndpointSlice/selectorless"] = ("created", {"metadata": {}, "endpoints": endpoints})
    played.clients("listed", "service/selectorless", "pod/a@n1", "pod/b@n3")
    return played


def test_listed_addresses_answer(selectorless):
    assert selectorless.differences("selectorless") == []


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        (["pod/a@n1"] * 40, "pod/a@n1"),
        (["pod/a@n1", "pod/b@n2"], "pod/a@n1 pod/b@n2"),
        (["pod/a@n1", "pod/b@n3", "timeout"], "2 of 3 reached pod/a@n1 (1), pod/b@n3 (1), else timeout"),
    ],
)
def test_listed_addresses_that_do_not(selectorless, ends, found):
    selectorless.asked["listed"]["tcp4:pod/a@n2>service/selectorless"] = ends
    (difference,) = selectorless.differences("selectorless")
    assert f"expected pod/a@n1 pod/b@n3, found {found}" in difference
