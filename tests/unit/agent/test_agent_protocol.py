"""The words between client and echo server."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.echo.protocol import Question, answer, judge, parse_question, question

nonces = st.text(st.sampled_from("0123456789abcdef"), min_size=2, max_size=52)
actions = st.sampled_from(["tcp", "udp", "bulk"])


@given(nonces, actions, st.integers(0, 1 << 22))
def test_question_round_trip(nonce: str, action: str, size: int):
    assert parse_question(question("run-1", nonce, action, size)) == Question("run-1", nonce, action, size)


@given(st.binary(max_size=100))
def test_garbage_is_no_question(line: bytes):
    assert parse_question(line) is None


@pytest.mark.parametrize("line", [b"K8SNET1 r n tcp", b"K8SNET1 r n smoke\n", b"K8SNET2 r n tcp\n", b"K8SNET1 r n bulk 999999999\n"])
def test_nearly_questions(line: bytes):
    assert parse_question(line) is None


@given(nonces, actions)
def test_own_answer_is_reached(nonce: str, action: str):
    line = answer("r", "pod/a@n", Question("r", nonce, action), {"ttl": 64})
    outcome, reply, why = judge(line, "r", nonce, action, "pod/a@n")
    assert (outcome, why, reply["ttl"]) == ("reached", "", 64)


@pytest.mark.parametrize("key", ["run", "nonce", "action", "server"])
@given(other=st.none() | st.integers() | st.text())
def test_any_other_word_is_the_wrong_peer(key: str, other: object):
    reply = {"run": "r", "nonce": "aa", "action": "tcp", "server": "s"}
    changed = json.dumps({**reply, key: other}).encode()
    assert judge(changed, "r", "aa", "tcp", "s")[0] == ("reached" if other == reply[key] else "wrong-peer")


@given(st.binary(max_size=100))
def test_any_bytes_are_judged(line: bytes):
    assert judge(line, "r", "aa", "tcp", None)[0] == "wrong-peer"
