"""How long a hundred lookups at once took, and in which words the C library fails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pytest_k8snet.model.observation import Sample
from pytest_k8snet.model.probe import Action
from pytest_k8snet.model.verdict import Inconclusive

from .comparison import Comparison
from .resolver_answers import rcodes

if TYPE_CHECKING:
    from .resolver import PodResolver

LIMIT = 1.0  # s
QUICK = f"under {LIMIT:g} s"
STEP, NEAR = 5.0, 0.5  # s that resolvers wait for a lost packet, and how near to a multiple of it a lookup must end
LATE = 0.25  # s of its own lateness that make the agent no witness
FOUND, UNKNOWN = "an address", "EAI_NONAME"


def latency(pod: PodResolver) -> Comparison:
    """The 99th percentile of every batch of lookups."""
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    for probe in pod.plan.probes:
        if probe.action is Action.LOOKUPS:
            key = f"99th percentile of {pod.answers.request(probe).get('count')} lookups of {pod.answers.name(probe)} at once"
            found[key], notes[key] = _judged(pod, pod.answers.samples(probe))
    return Comparison("time until A and AAAA are answered", found, dict.fromkeys(found, QUICK), notes)


def errors(pod: PodResolver) -> Comparison:
    """What getaddrinfo says, by the error's name, and beside it what each server said."""
    samples: dict[str, list[Sample]] = {}
    expected: dict[str, str] = {}
    for probe, word in pod.plan.probes.items():
        key = f"getaddrinfo {pod.answers.name(probe)}"
        samples.setdefault(key, []).extend(pod.answers.samples(probe))
        expected[key] = UNKNOWN if word == "missing" else FOUND
    found = {key: _error(pod, tried) for key, tried in samples.items()}
    return Comparison("errors of the C library", found, expected, {key: ", ".join(rcodes(tried)) for key, tried in samples.items()})


def percentile(seconds: list[float], unanswered: int) -> float:
    """The 99th of all lookups, those without an answer being the slowest."""
    ordered = [*sorted(seconds), *[math.inf] * unanswered]
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def _judged(pod: PodResolver, samples: Iterable[Sample]) -> tuple[str, str]:
    """All batches together."""
    tried = tuple(samples)
    try:
        seconds = [float(one) for sample in tried for one in sample.reply["seconds"]]
        unanswered = sum(int(sample.reply["unanswered"]) for sample in tried)
        found = percentile(seconds, unanswered)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Inconclusive(f"not observed: the agent at {pod.plan.source} does not tell how long lookups took") from error
    if found < LIMIT:
        return QUICK, ""
    late = max(float(sample.detail.get("lag") or 0) for sample in tried)
    if late > LATE:
        raise Inconclusive(f"not observed: the agent at {pod.plan.source} was starved of processor time for {late:.1f} s")
    stalls = sum(one >= STEP - NEAR and abs(one / STEP - round(one / STEP)) * STEP <= NEAR for one in seconds)
    told = f"{len(seconds)} answered, {unanswered} not; slowest {max(seconds, default=0):.2f} s"
    told += f"; {stalls} took about {STEP:g} s or a multiple of it, as after a lost packet" if stalls else ""
    return ("no answer" if math.isinf(found) else f"{found:.2f} s"), told


def _error(pod: PodResolver, samples: list[Sample]) -> str:
    """The errors of all samples, which are one; FOUND for none."""
    told: list[Any] = [sample.detail.get("getaddrinfo_error") for sample in samples]
    if None in told:
        raise Inconclusive(f"not observed: the agent at {pod.plan.source} does not tell what getaddrinfo says")
    return " / ".join(sorted({str(error) or FOUND for error in told}))
