"""A trial of faults: the suite on the healthy lab, then on the lab with each fault, judged by what the fault's data say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.injection import compare, injection, report, suite
from lab.injection.compare import Comparison
from lab.injection.fault import Fault
from lab.injection.placeholder import expand
from lab.injection.record import Injected
from lab.injection.report import Cause
from lab.injection.suite import Run
from lab.state import Places

Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What one fault's run showed."""

    id: str
    seed: int
    node: str
    comparison: Comparison
    code: int
    replay: list[str] = field(default_factory=list)
    cause: str = ""  # the one that the report names first
    wrong_cause: str = ""  # what must be named instead
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """True if the run was red for the right reasons, and its recording says the same."""
        return self.comparison.good and self.code == 1 and not self.replay and not self.wrong_cause


def folder(where: Places) -> Path:
    """Where the reports and recordings of trials are."""
    return where.cache / "faults"


def healthy(where: Places, say: Say, name: str = "healthy") -> Run:
    """The suite on the lab as it is now."""
    start = time.monotonic()
    run = suite.live(folder(where), name)
    say(f"{name}: exit code {run.code}, {len(run.results)} cells, {time.monotonic() - start:.0f} s")
    return run


def attempt(where: Places, fault: Fault, before: Run, say: Say, seed: int, node: str = "") -> Outcome:
    """Inject, run, compare, replay, undo. The fault is taken off whatever happens."""
    start = time.monotonic()
    made = injection.inject(where, fault, seed, node)
    say(f"{fault.id} is on {made.values['node']} (seed {seed}, {time.monotonic() - start:.0f} s)")
    try:
        outcome = _judge(where, fault, made, before)
    finally:
        injection.undo(where, fault)
    outcome.seconds = time.monotonic() - start
    return outcome


def _judge(where: Places, fault: Fault, made: Injected, before: Run) -> Outcome:
    run = suite.live(folder(where), fault.id)
    reach = suite.reach_requirements()
    comparison = compare.compare(fault, made.values, before.results, run.results, reach)
    again = suite.replayed(run, f"{fault.id}-replay")
    replay = compare.differences(run.results, again.results)
    named, wanted = report.causes(run.report), expected_cause(fault, made)
    if named != report.causes(again.report):
        replay.append(f"causes: {_named(named)} -> {_named(report.causes(again.report))}")
    wrong = "" if named[:1] == (wanted,) else str(wanted)
    return Outcome(fault.id, made.seed, str(made.values["node"]), comparison, run.code, replay, _named(named[:1]), wrong)


def expected_cause(fault: Fault, made: Injected) -> Cause:
    """The cause that must be named first, with what was drawn filled in."""
    node, peer = (expand(text, made.values)[0] for text in (fault.cause.node, fault.cause.peer))
    return Cause(fault.cause.id, node, peer)


def _named(causes: Sequence[Cause]) -> str:
    return ", ".join(map(str, causes)) or "none"


def text(outcome: Outcome) -> str:
    """An outcome for a person."""
    found = outcome.comparison
    lines = [
        f"{outcome.id} on {outcome.node} (seed {outcome.seed}): {'as expected' if outcome.good else 'NOT AS EXPECTED'}; "
        f"{len(found.seen)} cells as they must be, {len(found.consequences)} consequences, {outcome.seconds:.0f} s"
    ]
    lines += [f"  names {outcome.cause}" + (f", must name {outcome.wrong_cause}" if outcome.wrong_cause else "")]
    lines += [] if outcome.code == 1 else [f"  the run exits {outcome.code}, must exit 1"]
    for heading, entries in _wrong(outcome):
        lines += [f"  {heading}: {len(entries)}", *(f"    {one}" for one in entries)]
    return "\n".join(lines)


def _wrong(outcome: Outcome) -> Sequence[tuple[str, list[str]]]:
    found = outcome.comparison
    every = (("missed", found.missed), ("unexpected", found.unexpected), ("the replay says otherwise", outcome.replay))
    return [(heading, entries) for heading, entries in every if entries]
