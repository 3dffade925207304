"""A hundred lookups at once, and the C library's errors beside what servers said."""

from __future__ import annotations

import math

import pytest
from evidence_world import WORKER1
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.evidence.resolver import ResolverEvidence
from pytest_k8snet.evidence.resolver_latency import percentile
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.resolver import load, plans

ROWS = load(
    [
        {"requirement": "NET-DNS-029", "pods": ["pod/a"], "lookups": {"cluster": "quick"}},
        {"requirement": "NET-DNS-030", "pods": ["pod/a"], "answers": {"cluster": "kubernetes", "missing": "missing"}},
    ]
)
KEY = "99th percentile of 100 lookups of x. at once"


class Asked:
    """What the agent of pod/a on worker1 sent."""

    def __init__(self, world, requirement):
        self.world = world
        [self.plan] = [plan for plan in plans(ROWS, requirement, world.inventory, {"a"}) if plan.node == WORKER1]

    def answer(self, question, reply, outcome="reached", **detail):
        for probe in self.plan.probes:
            if probe.detail.endswith(f"-{question}"):
                request = {"action": str(probe.action), "name": f"{'x' if question == 'cluster' else 'nope'}.", "samples": 1, "count": 100}
                server = {"server": "10.96.0.10", "qname": "x.", "transport": probe.detail[:3], "outcome": outcome}
                sample = {"outcome": outcome, "seconds": 0.1, "nonce": "", "reply": reply, "detail": {"messages": [server], **detail}}
                frame = {"kind": "result", "id": str(probe), "run": "dev", "request": request, "samples": [sample]}
                self.world.recording.append("frames", {"source": str(probe.source), "frame": frame})
        return self

    @property
    def evidence(self):
        return ResolverEvidence(self.world.recording, self.world.inventory, self.plan)


def lookups(world, seconds, unanswered=0, outcome="reached", **detail):
    return Asked(world, "NET-DNS-029").answer("cluster", {"seconds": seconds, "unanswered": unanswered}, outcome, **detail).evidence


def errors(world, known, missing):
    asked = Asked(world, "NET-DNS-030").answer("cluster", {}, getaddrinfo_error=known)
    return asked.answer("missing", {}, "name-error", getaddrinfo_error=missing).evidence


def test_quick_lookups_pass(world):
    evidence = lookups(world, [0.01] * 99 + [5.0])
    assert evidence.latency == evidence.expected_latency == {KEY: "under 1 s"}


@pytest.mark.parametrize(
    ("seconds", "unanswered", "found", "stalls"),
    [
        ([0.01] * 98 + [5.0, 5.0], 0, "5.00 s", "2 took about 5 s"),
        ([0.01] * 98 + [1.0, 1.0], 0, "1.00 s", ""),
        ([0.01] * 98, 2, "no answer", ""),
        ([0.01] * 97 + [5.2, 9.9], 1, "9.90 s", "2 took about 5 s"),
    ],
)
def test_slow_lookups_fail(world, seconds, unanswered, found, stalls):
    evidence = lookups(world, seconds, unanswered)
    assert evidence.latency == {KEY: found}
    assert evidence.latency != evidence.expected_latency
    assert stalls in evidence.explain("latency")
    assert stalls or "multiple" not in evidence.explain("latency")


def test_nobody_answers(world):
    assert lookups(world, [], 100, "timeout").latency == {KEY: "no answer"}


def test_a_starved_agent_is_no_witness(world):
    with pytest.raises(Inconclusive, match=r"starved of processor time for 0\.4 s"):
        lookups(world, [2.0] * 100, lag=0.4).comparison("latency")


def test_a_late_agent_whose_lookups_were_quick_all_the_same_is_one(world):
    assert lookups(world, [0.1] * 100, lag=0.4).latency == {KEY: "under 1 s"}


@pytest.mark.parametrize("reply", [{}, {"seconds": [], "unanswered": 0}, {"seconds": ["?"], "unanswered": 0}])
def test_what_the_agent_does_not_tell_is_not_observed(world, reply):
    with pytest.raises(Inconclusive, match="does not tell how long lookups took"):
        Asked(world, "NET-DNS-029").answer("cluster", reply).evidence.comparison("latency")


@given(st.lists(st.floats(0, 60), max_size=150), st.integers(0, 20))
def test_at_most_one_in_a_hundred_is_slower_than_the_percentile(seconds, unanswered):
    if not seconds and not unanswered:
        return
    found = percentile(seconds, unanswered)
    every = [*seconds, *[math.inf] * unanswered]
    assert found in every
    assert sum(one > found for one in every) <= len(every) / 100
    assert sum(one < found for one in every) < 0.99 * len(every)


def test_errors_of_a_healthy_cluster(world):
    evidence = errors(world, "", "EAI_NONAME")
    assert evidence.errors == evidence.expected_errors == {"getaddrinfo x.": "an address", "getaddrinfo nope.": "EAI_NONAME"}


@pytest.mark.parametrize(
    ("known", "missing", "text"),
    [
        (
            "EAI_AGAIN",
            "EAI_NONAME",
            "getaddrinfo x.: expected an address, found EAI_AGAIN (10.96.0.10 over udp: reached, 10.96.0.10 over tcp",
        ),
        ("EAI_NONAME", "EAI_NONAME", "getaddrinfo x.: expected an address, found EAI_NONAME"),
        ("", "EAI_AGAIN", "getaddrinfo nope.: expected EAI_NONAME, found EAI_AGAIN (10.96.0.10 over udp: name-error"),
        ("", "", "getaddrinfo nope.: expected EAI_NONAME, found an address"),
        ("no answer", "EAI_NONAME", "getaddrinfo x.: expected an address, found no answer"),
    ],
)
def test_errors_are_told_apart(world, known, missing, text):
    evidence = errors(world, known, missing)
    assert evidence.errors != evidence.expected_errors
    assert text in evidence.explain("errors")


def test_an_agent_that_tells_no_error_is_no_witness(world):
    with pytest.raises(Inconclusive, match="does not tell what getaddrinfo says"):
        errors(world, None, "EAI_NONAME").comparison("errors")
