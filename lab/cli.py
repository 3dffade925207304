"""`python -m lab`: a real Kubernetes cluster in namespaces of this machine.

Exit codes: 0; 1 a step failed; 4 wrong usage or an environment that does not fit; 130, 143, 129 after SIGINT, SIGTERM,
SIGHUP. `run`, `exec` and `kubectl` give the command's own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from lab import entry, flavour, kernel, logs, state, status, teardown
from lab import up as bringing
from lab.errors import LabError, UsageError

Command = Callable[[argparse.Namespace], int]
CATCHABLE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked us to stop; `number` says which."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class Parser(argparse.ArgumentParser):
    """Wrong usage ends with exit code 4."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and end."""
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and run the command; the exit code."""
    options = parser().parse_args(argv)
    for number in CATCHABLE:
        signal.signal(number, _interrupt)
    command: Command = options.command
    try:
        return command(options)
    except UsageError as error:
        return _say(str(error), 4)
    except LabError as error:
        return _say(str(error), 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        return 0
    except OSError as error:
        return _say(bringing.explain(error), 1)
    except KeyboardInterrupt as error:
        number = signal.Signals(error.number if isinstance(error, Interrupted) else signal.SIGINT)
        return _say(f"stopped by {number.name}{options.after_stop}", 128 + int(number))


def _say(text: str, code: int) -> int:
    print(f"lab: {text}", file=sys.stderr)
    return code


def parser() -> Parser:
    """The parser of the whole command line."""
    top = Parser(prog="python -m lab", description="A real Kubernetes cluster in namespaces of this machine.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    up = _add(commands, "up", _up, "bring the lab up, resume it from kept disks, or change its flavour")
    up.set_defaults(after_stop="; what had been started is taken down again")
    up.add_argument("--install", action="store_true", help="install what this machine lacks (apt-get)")
    flavour.add_options(up)
    down = _add(commands, "down", _down, "stop everything and delete the nodes' disks")
    down.add_argument("--keep", action="store_true", help="keep the disks, so that the next `up` resumes")
    one = _add(commands, "status", _status, "say what there is")
    one.add_argument("--json", action="store_true", help="as one JSON object")
    inside = _add(commands, "exec", _exec, "run a command inside a node: exec NODE -- CMD...")
    inside.add_argument("node", metavar="NODE")
    _add_command(inside)
    _add_command(_add(commands, "run", _run, "run a command on the runner host: run -- CMD..."))
    _add_command(_add(commands, "kubectl", _kubectl, "run kubectl on the runner host", prefix_chars="\0", add_help=False))
    shown = _add(commands, "logs", _logs, "list the logs, or show the last lines of a node's or a component's")
    shown.add_argument("what", nargs="?", metavar="NODE|COMPONENT")
    shown.add_argument("--lines", type=int, default=40, metavar="N", help="lines of each log, default: 40")
    _add_injection(commands)
    return top


def _add_injection(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the commands for faults, where this checkout has them."""
    try:
        injection = importlib.import_module("lab.injection.cli")
    except ModuleNotFoundError as error:
        if error.name not in {"lab.injection", "lab.injection.cli"}:
            raise
        return
    injection.add_parser(commands)


def _add(
    commands: argparse._SubParsersAction[Parser], name: str, command: Command, text: str,
    prefix_chars: str = "-", add_help: bool = True,
) -> Parser:  # fmt: skip
    made = commands.add_parser(name, help=text, description=text, prefix_chars=prefix_chars, add_help=add_help)
    made.set_defaults(command=command, after_stop="")
    return made


def _add_command(to: argparse.ArgumentParser) -> None:
    to.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD")


def _command_line(options: argparse.Namespace) -> list[str]:
    argv: list[str] = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise UsageError("no command given: write it after --, as in `python -m lab run -- curl www.example.test`")
    return argv


def _up(options: argparse.Namespace) -> int:
    kernel.check_user()
    bringing.up(state.places(), flavour.wanted(options), install=options.install)
    return 0


def _down(options: argparse.Namespace) -> int:
    kernel.check_user()
    where = state.places()
    with state.lock(where):
        before = status.describe(where, state.load(where))["state"]
        teardown.everything(where, state.load(where), keep_disks=options.keep)
    print(_down_text(before, kept=options.keep and before != "stopped"))
    return 0


def _down_text(before: str, *, kept: bool) -> str:
    if before == "stopped":
        return "The lab was not up."
    return "The lab is down." + (" Its disks are kept: the next `up` resumes." if kept else "")


def _status(options: argparse.Namespace) -> int:
    where = state.places()
    values = status.describe(where, state.load(where))
    print(json.dumps(values, indent=2) if options.json else status.as_text(values))
    return 0


def _exec(options: argparse.Namespace) -> int:
    kernel.check_user()
    lab = entry.running(state.load(state.places()))
    return entry.in_node(lab.process(options.node), _command_line(options))


def _run(options: argparse.Namespace) -> int:
    kernel.check_user()
    where = state.places()
    lab = entry.running(state.load(where))
    entry.on_runner(where, lab, _command_line(options), entry.runner_environment(where, lab, os.environ))


def _kubectl(options: argparse.Namespace) -> int:
    kernel.check_user()
    where = state.places()
    lab = entry.running(state.load(where))
    environment = {**os.environ, "KUBECONFIG": str(where.kubeconfig)}
    entry.on_runner(where, lab, [f"{lab.bin}/kubectl", *options.argv], environment)


def _logs(options: argparse.Namespace) -> int:
    print(logs.text(state.places(), options.what, options.lines))
    return 0
