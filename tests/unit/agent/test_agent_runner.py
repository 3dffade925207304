"""When a probe has been tried often enough."""

from __future__ import annotations

import pytest

from pytest_k8snet.agent.probing.request import parse
from pytest_k8snet.agent.probing.runner import enough

TRIES = {"a": ("reached", "one"), "b": ("reached", "two"), ".": ("timeout", None)}


def judged(tries: str) -> list[dict]:
    return [{"outcome": TRIES[t][0], "reply": {"server": TRIES[t][1]}} for t in tries]


@pytest.mark.parametrize(
    ("until", "maximum", "tries", "expected"),
    [
        (0, 0, "aa", False),
        (0, 0, "a.a", True),
        (2, 20, "ab", False),  # fewer than the samples that were asked for
        (2, 20, "aab", True),
        (2, 20, "aaa", False),
        (2, 6, "aaaaaa", True),
        (2, 20, "...", True),  # nothing ever answers
        (2, 20, "a.....", False),
        (2, 20, "a......", True),  # three failures for each server
    ],
)
def test_enough(until: int, maximum: int, tries: str, expected: bool):
    asked = parse({"action": "tcp", "address": "192.0.2.1", "port": 1, "nonce": "aa", "samples": 3, "until": until, "max": maximum})
    assert enough(asked, judged(tries)) is expected
