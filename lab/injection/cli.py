"""`python -m lab fault`: list, inject, undo and run known faults."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from lab import kernel, state
from lab.errors import UsageError
from lab.injection import compare, drawing, fault, injection, record, trial

Command = Callable[[argparse.Namespace], int]


def add_parser(commands: Any) -> None:
    """Add `fault` to the lab's commands."""
    text = "put known faults on the lab, take them off, and see whether the suite finds them"
    actions = commands.add_parser("fault", help=text, description=text).add_subparsers(metavar="ACTION", required=True)
    listing = _add(actions, "list", _list, "name the faults, and which one is on the lab")
    listing.add_argument("--json", action="store_true", help="as one JSON object")
    inject = _add(actions, "inject", _inject, "put a fault on the lab and wait until it shows")
    inject.add_argument("id", metavar="ID")
    inject.add_argument("--node", default="", help="the node to strike, default: drawn")
    _add_seed(inject)
    _add(actions, "undo", _undo, "take a fault off and wait until the lab is as before").add_argument("id", metavar="ID")
    run = _add(actions, "run", _run, "for each fault: inject, run the suite, compare, undo; exit code 1 if one is not as expected")
    run.add_argument("ids", metavar="ID", nargs="+", help="ids, or `all`")
    run.add_argument("--node", default="", help="the node to strike, default: drawn")
    run.add_argument("--json", action="store_true", help="as one JSON object")
    _add_seed(run)


def _add(actions: Any, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    made.set_defaults(command=command, after_stop="; `python -m lab fault list` says whether a fault is left on the lab")
    return made


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=_seed, help="number that decides node and addresses, default: random")


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) > drawing.LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: a number from 0 to {drawing.LARGEST_SEED}")
    return int(text)


def _list(options: argparse.Namespace) -> int:
    there = record.load(state.places())
    faults = fault.catalogue().values()
    if options.json:
        entries = [{"id": one.id, "title": one.title, "injected": one.id in there, "note": one.note} for one in faults]
        print(json.dumps({"faults": entries}, indent=2))
        return 0
    for one in faults:
        made = there.get(one.id)
        on = f"  [on the lab: {made.values['node']}, seed {made.seed}{'' if made.complete else ', not complete'}]" if made else ""
        print(f"{one.id:<18} {one.title}{on}")
    return 0


def _inject(options: argparse.Namespace) -> int:
    kernel.check_user()
    chosen = fault.named(fault.catalogue(), options.id)
    made = injection.inject(state.places(), chosen, injection.chosen_seed(options.seed), options.node)
    drawn = ", ".join(f"{name} {made.values[name]}" for name in chosen.draw)
    print(f"{made.id} is on {made.values['node']} (seed {made.seed}{', ' + drawn if drawn else ''}).")
    return 0


def _undo(options: argparse.Namespace) -> int:
    kernel.check_user()
    made = injection.undo(state.places(), fault.named(fault.catalogue(), options.id))
    print(f"{made.id} is off {made.values['node']}.")
    return 0


def _run(options: argparse.Namespace) -> int:
    kernel.check_user()
    where, faults = state.places(), fault.catalogue()
    chosen = list(faults.values()) if options.ids == ["all"] else [fault.named(faults, one) for one in options.ids]
    if there := record.load(where):
        raise UsageError(f"{next(iter(there))} is on the lab: run `python -m lab fault undo {next(iter(there))}` first")
    say: trial.Say = (lambda _line: None) if options.json else (lambda line: print(line, flush=True))
    before = trial.healthy(where, say)
    outcomes = []
    for one in chosen:
        outcomes.append(trial.attempt(where, one, before, say, injection.chosen_seed(options.seed), options.node))
        say(trial.text(outcomes[-1]))
    left = compare.differences(before.results, trial.healthy(where, say, "healed").results)
    if options.json:
        print(json.dumps({"faults": [{**asdict(one), "good": one.good} for one in outcomes], "left": left}, indent=2))
    elif left:
        print("\n".join(["after all undos the lab is not as before:", *(f"  {line}" for line in left)]))
    return 0 if before.code == 0 and not left and all(one.good for one in outcomes) else 1
