"""What is missing, damaged or foreign in the frames never becomes a verdict."""

from __future__ import annotations

import copy

import pytest

ID = "NET-REACH-005"
SOURCE, PROBE = "pod/a@n1", "tcp4:pod/a@n1>pod/a@n2"


def test_the_reason_of_a_probe_that_was_not_asked(world):
    world.drop_frames(ID)
    world.recording.append("events", {"what": "not-asked", "probe": PROBE, "reason": "pod/a@n2 is not there: image not pulled"})
    assert world.judge(ID) == ("inconclusive", "not observed: pod/a@n2 is not there: image not pulled")


def test_the_reason_of_a_source_that_did_not_start(world):
    world.drop_frames(ID)
    next(e for e in world.recording.streams["fleet"] if e["endpoint"] == SOURCE)["problem"] = "refused by admission"
    assert world.judge(ID) == ("inconclusive", "not observed: pod/a@n1 did not start: refused by admission")


def test_the_reason_of_a_lost_stream(world):
    world.drop_frames(ID)
    world.recording.append("events", {"what": "stream-lost", "source": SOURCE, "reason": "closed by the peer"})
    assert world.judge(ID) == ("inconclusive", "not observed: the control stream of pod/a@n1 was lost: closed by the peer")


def test_an_agent_that_could_not_try_is_no_evidence(world):
    world.samples(ID)[1] |= {"outcome": "probe-error", "detail": {"error": "no socket"}}
    assert world.judge(ID) == ("inconclusive", "not observed: the agent at pod/a@n1 could not try: no socket")


def test_too_few_samples(world):
    del world.samples(ID)[2:]
    assert world.judge(ID) == ("inconclusive", "not observed: 1 of 3 samples of tcp at pod/a@n1 came back")


def test_the_warm_up_is_not_judged(world):
    world.samples(ID)[0] |= {"outcome": "timeout", "reply": {}}
    assert world.judge(ID)[0] == "passed"


@pytest.mark.parametrize("field", ["samples", "request"])
def test_a_damaged_frame(world, field):
    del world.frames[PROBE][field]
    status, message = world.judge(ID)
    assert (status, "is damaged" in message) == ("inconclusive", True)


def test_an_outcome_nobody_knows(world):
    world.samples(ID)[1]["outcome"] = "wonderful"
    assert world.judge(ID)[0] == "inconclusive"


def test_a_frame_of_another_run(world):
    world.frames[PROBE]["run"] = "r2"
    assert world.judge(ID)[0] == "inconclusive"


def test_a_frame_that_somebody_else_sent(world):
    entry = next(e for e in world.recording.streams["frames"] if e["frame"] is world.frames[PROBE])
    entry["source"] = "pod/a@n3"
    assert world.judge(ID)[0] == "inconclusive"


def test_an_answer_to_another_question(world):
    world.frames[PROBE]["request"]["action"] = "udp"
    assert world.judge(ID)[0] == "inconclusive"


@pytest.mark.parametrize("reply", [{"server": "pod/a@n3"}, {"nonce": "ff"}, {"run": "r2"}, {"server": None}])
def test_a_foreign_answer_is_the_wrong_peer(world, reply):
    world.samples(ID)[1]["reply"] |= reply
    world.samples(ID)[2]["reply"] |= reply
    world.samples(ID)[3]["reply"] |= reply
    status, message = world.judge(ID)
    assert (status, "3 wrong-peer: " in message) == ("failed", True)


def test_a_frame_sent_again_counts_once(world):
    again = copy.deepcopy(world.frames[PROBE])
    for sample in again["samples"]:
        sample["outcome"] = "timeout"
    world.recording.append("frames", {"source": SOURCE, "frame": again})
    assert world.judge(ID)[0] == "passed"


def test_two_different_answers_are_both_heard(world):
    again = copy.deepcopy(world.frames[PROBE]) | {"seq": 99999}
    for sample in again["samples"]:
        sample |= {"outcome": "timeout", "reply": {}}
    world.recording.append("frames", {"source": SOURCE, "frame": again})
    status, message = world.judge(ID)
    assert (status, "3 of 6 samples reached" in message) == ("failed", True)


@pytest.mark.parametrize(("requirement", "field", "words"), [
    ("NET-NAT-001", "peer", "which source address arrived"), ("NET-PATH-002", "ttl", "the TTL of the reply"),
])  # fmt: skip
def test_a_property_that_the_agent_could_not_tell_is_open(world, requirement, field, words):
    world.alter(requirement, **{f"reply_{field}": None})
    status, message = world.judge(requirement)
    assert (status, words in message) == ("inconclusive", True)


def test_an_address_that_is_not_known_is_open(world):
    next(e for e in world.recording.streams["fleet"] if e["endpoint"] == SOURCE)["ip"] = ""
    assert world.judge("NET-NAT-002") == ("inconclusive", "not assessed: the client address of pod/a@n1 is not known")


def test_ipv4_on_an_ipv6_socket_is_the_same_address(world):
    world.alter("NET-NAT-002", reply_peer="::ffff:10.4.1.7")
    assert world.judge("NET-NAT-002")[0] == "passed"


def test_an_address_that_is_none_is_a_wrong_source(world):
    world.alter("NET-NAT-002", reply_peer="somewhere")
    assert world.judge("NET-NAT-002")[0] == "failed"


def spoil(world, numbers, detail):
    for number in numbers:
        world.samples(ID)[number] |= {"outcome": "timeout", "reply": {}, "detail": detail}


def test_a_sample_lost_while_the_agent_was_starved_is_no_finding(world):
    spoil(world, [2], {"starved": 0.4})
    text = "not observed: the agent at pod/a@n1 was starved of processor time for 0.4 s while it waited"
    assert world.judge(ID) == ("inconclusive", text)


@pytest.mark.parametrize("details", [[{}], [{"starved": 0.4}, {}]], ids=["not starved", "one of two not starved"])
def test_a_lost_sample_without_that_excuse_is_a_finding(world, details):
    for number, detail in enumerate(details, 1):
        spoil(world, [number], detail)
    assert world.judge(ID)[0] == "failed"


def test_starvation_never_excuses_a_cell_that_no_sample_reached(world):
    spoil(world, range(4), {"starved": 0.4})
    assert world.judge(ID)[0] == "failed"
