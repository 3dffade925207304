"""The harness itself: an untouched recording is healthy, one edit changes exactly what it must, and an edit that misses is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofs import SKIPPED, UNRECORDED

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "recordings"


def test_every_recording_is_judged():
    assert sorted(SKIPPED) == sorted(path.stem for path in RECORDINGS.glob("healthy-*.zip"))
    assert frozenset.intersection(*SKIPPED.values()) == UNRECORDED, "a requirement that no recorded cluster can show"


@pytest.mark.parametrize(("recorded", "elsewhere"), SKIPPED.items(), ids=SKIPPED, indirect=["recorded"])
def test_the_untouched_recording_is_healthy(healthy, elsewhere):
    assert healthy.code == 0, [r for r in healthy.report["results"] if r["status"] in ("failed", "inconclusive")]
    assert {id: status for id, status in healthy.requirements.items() if status != "passed"} == dict.fromkeys(elsewhere, "skipped")
    assert set(healthy.statuses.values()) <= {"passed", "skipped"}
    assert healthy.report["coverage"]["assessed"] == healthy.report["coverage"]["requirements"] - len(elsewhere)


def test_every_assessed_requirement_has_an_observation(healthy):
    bare = {item for item, result in healthy.results.items() if not result["evidence"] and result["status"] != "skipped"}
    assert bare == set()


def test_one_direction_fails_in_one_cell(evidence, judge, healthy):
    evidence.outcome("tcp4:pod/a@w1>pod/a@w2", "timeout")
    assert judge(evidence).differs(healthy) == {
        "NET-REACH-005 pod/a@w1 > pod/a@w2 tcp": "failed",
        "NET-NAT-002 pod/a@w1 > pod/a@w2 tcp": "inconclusive",
        "NET-NAT-003 pod/a@w1 > pod/a@w2 tcp": "inconclusive",
        "NET-REACH-018 pod/a@w1 > pod/a@w2 tcp": "warning",
    }


def test_a_lost_frame_is_not_observed(evidence, judge, healthy):
    evidence.lose("tcp4:pod/a@w1>pod/a@w2")
    judged = judge(evidence)
    assert judged.code == 10
    assert set(judged.differs(healthy).values()) == {"inconclusive"}


def test_an_edit_that_misses_is_noticed(evidence):
    with pytest.raises(AssertionError, match="no frame"):
        evidence.outcome("tcp4:pod/a@nowhere>pod/a@w1", "timeout")
    with pytest.raises(AssertionError, match="holds no fact"):
        evidence.fact("w1", "nothing", str.upper)
    with pytest.raises(AssertionError, match="stayed as it was"):
        evidence.object("version", lambda body: body)
    with pytest.raises(AssertionError, match="stayed as it was"):
        evidence.replace("w1", "iptables", "no such text", "other")
    with pytest.raises(AssertionError, match="0 rules of w1"):
        evidence.delete_rule("w1", "-A NOWHERE")
    with pytest.raises(AssertionError, match="stayed as they were"):
        evidence.reply("icmp4:pod/a@w1>pod/b@w1", ttl=64)


def test_a_replay_without_a_report_is_noticed(evidence, judge):
    with pytest.raises(AssertionError, match=r"exit code 4 without a report"):
        judge(evidence, "--k8snet-profile", "unheard-of")
