"""The harness itself: an untouched recording is healthy, one edit changes exactly what it must, and an edit that misses is noticed."""

from __future__ import annotations

import pytest


def test_the_untouched_recording_is_healthy(healthy):
    assert healthy.code == 0, [r for r in healthy.report["results"] if r["status"] in ("failed", "inconclusive")]
    assert healthy.report["coverage"]["inconclusive"] == 0
    assert healthy.report["coverage"]["assessed"] >= 68


def test_every_assessed_requirement_has_an_observation(healthy):
    """Objects of the API alone prove nothing about packets or nodes, except where the requirement is about objects."""
    assessed = {id for id, status in healthy.requirements.items() if status != "skipped"}
    kinds = {id: {e["kind"] for r in healthy.report["results"] if r["requirement"] == id for e in r["evidence"]} for id in assessed}
    assert {id for id, found in kinds.items() if not found} == set()


def test_one_direction_fails_in_one_cell(evidence, judge, healthy):
    first, second = evidence.workers[:2]
    evidence.outcome("timeout", source=f"pod/a@{first}", target=f"pod/a@{second}", action="tcp")
    changed = judge(evidence).differs(healthy)
    assert changed["NET-REACH-005", f"pod/a@{first}", f"pod/a@{second}", "", "tcp"] == "failed"
    assert {key[0] for key, status in changed.items() if status == "failed"} == {"NET-REACH-005"}


def test_a_lost_frame_is_not_observed(evidence, judge, healthy):
    first, second = evidence.workers[:2]
    evidence.lose(source=f"pod/a@{first}", target=f"pod/a@{second}", action="tcp")
    judged = judge(evidence)
    assert judged.code == 10
    assert set(judged.differs(healthy).values()) == {"inconclusive"}


def test_an_edit_that_misses_is_noticed(evidence):
    with pytest.raises(AssertionError, match="no frame"):
        evidence.outcome("timeout", source="pod/a@nowhere")
    with pytest.raises(AssertionError, match="holds no fact"):
        evidence.fact("nowhere", "iptables", str.upper)
    with pytest.raises(AssertionError, match="stayed as it was"):
        evidence.object("version", lambda body: body)
