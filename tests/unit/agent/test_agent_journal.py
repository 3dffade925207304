"""The journal numbers without gaps and forgets only the oldest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.agent.framing import Decoder
from pytest_k8snet.agent.journal import Journal


def numbers(data: bytes) -> list[int]:
    return [frame["seq"] for frame in Decoder().feed(data)]


@given(st.integers(0, 30), st.integers(0, 35), st.integers(1, 500))
def test_batches_give_every_frame_after_a_number_once(count: int, after: int, batch: int):
    journal = Journal("r")
    for _ in range(count):
        journal.add("pong", 1)
    got: list[int] = []
    position = min(after, count)
    while True:
        data, position = journal.after(position, batch)
        if not data:
            break
        got += numbers(data)
    assert got == list(range(min(after, count) + 1, count + 1))


def test_limit_forgets_the_oldest():
    journal = Journal("r", limit=300)
    for _ in range(20):
        journal.add("pong", 1, text="x" * 20)
    data, last = journal.after(0, 10_000)
    assert numbers(data) == list(range(journal.first, 21))
    assert (last, 1 < journal.first <= 20) == (20, True)
    assert len(data) <= 300


def test_one_frame_larger_than_the_limit_is_kept():
    journal = Journal("r", limit=10)
    journal.add("fact", 1, text="x" * 100)
    assert numbers(journal.after(0, 1)[0]) == [1]
