"""Putting a fault on the lab and taking it off."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from lab import entry, state
from lab.cluster import Cluster
from lab.errors import LabError, UsageError
from lab.flavour import Flavour
from lab.injection import drawing, record, steps
from lab.injection.fault import Fault
from lab.injection.record import Injected
from lab.injection.steps import Hands, LabHands
from lab.state import Places


@contextmanager
def hands(where: Places) -> Iterator[tuple[LabHands, Flavour]]:
    """Hold the running lab for a change; UsageError if it is not up."""
    with state.lock(where):
        lab = entry.running(state.load(where))
        yield LabHands(Cluster(where, lab)), lab.flavour


def chosen_seed(given: int | None) -> int:
    """The seed, or a random one."""
    return random.SystemRandom().randint(0, drawing.LARGEST_SEED) if given is None else given


def check_flavour(fault: Fault, flavour: Flavour) -> None:
    """UsageError if the fault is none of a lab of this flavour, with the option of `up` that would make it one."""
    for name, wanted in fault.flavour.items():
        if getattr(flavour, name) != wanted:
            option = f"--{name.replace('_', '-')} {wanted}"
            if isinstance(wanted, bool):
                option = f"--{'' if wanted else 'no-'}{name.replace('_', '-')}"
            raise UsageError(f"{fault.id} is none of this flavour: run `python -m lab up {option}` first")


def inject(where: Places, fault: Fault, seed: int, node: str = "") -> Injected:
    """Put a fault on the lab and wait until it shows; what was begun is written down first, so that undo knows it."""
    with hands(where) as (lab, flavour):
        there = record.load(where)
        if there:
            raise UsageError(_occupied(fault, there))
        check_flavour(fault, flavour)
        made = Injected(fault.id, seed, drawing.draw(fault, lab.facts(), seed, node))
        record.save(where, {fault.id: made})
        try:
            steps.perform([*fault.inject, *fault.effective], lab, made.values, made.kept)
        except BaseException as error:
            record.save(where, {fault.id: made})
            _revert(where, fault, made, lab)
            if isinstance(error, LabError):
                raise LabError(f"{fault.id} does not show, so it was undone: {error}") from error
            raise
        made.complete = True
        record.save(where, {fault.id: made})
        return made


def _occupied(fault: Fault, there: dict[str, Injected]) -> str:
    other = next(iter(there))
    if other == fault.id:
        return f"{fault.id} is on the lab already: `python -m lab fault undo {fault.id}` takes it off"
    return f"{other} is on the lab, and two faults hide each other: run `python -m lab fault undo {other}` first"


def undo(where: Places, fault: Fault) -> Injected:
    """Take a fault off and wait until the lab is as before."""
    with hands(where) as (lab, _):
        there = record.load(where)
        if fault.id not in there:
            raise UsageError(f"{fault.id} is not on the lab: {', '.join(there) or 'no fault'} is")
        _revert(where, fault, there[fault.id], lab)
        return there[fault.id]


def _revert(where: Places, fault: Fault, made: Injected, lab: Hands) -> None:
    """Do the undo steps; those that fail (on what was not done) do not matter if the lab is as before in the end."""
    failed = steps.perform(fault.undo, lab, made.values, made.kept, stop=False)
    try:
        steps.perform(fault.healed, lab, made.values, made.kept)
    except LabError as error:
        raise LabError("\n".join([f"{fault.id} is not undone: {error}", *failed])) from error
    record.save(where, {})
