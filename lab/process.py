"""Start, find and end the lab's processes; nothing is ended whose start time is not the recorded one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

HELD = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the lab: its role, pid and start time (clock ticks since boot, field 22 of /proc/PID/stat)."""

    name: str
    pid: int
    started: int

    def alive(self) -> bool:
        """True while this very process runs (not a zombie, not another one with the same pid)."""
        return start_time(self.pid) == self.started

    def kill(self) -> None:
        """SIGKILL it, if it is still the same process."""
        if self.alive():
            send(self.pid, signal.SIGKILL)


def _stat_fields(pid: int | str) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    return text.rpartition(")")[2].split()


def start_time(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot (proc(5), stat field 22); None if it is gone or a zombie."""
    try:
        fields = _stat_fields(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def parent(pid: int) -> int:
    """Pid of the parent process; 0 if there is none."""
    try:
        return int(_stat_fields(pid)[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def ancestry(pid: int) -> set[int]:
    """The process and its ancestors."""
    found: set[int] = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        pid = parent(pid)
    return found


def all_pids() -> list[int]:
    """Every pid in /proc."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def first_child(pid: int) -> int | None:
    """Pid of the oldest child of a process, None if it has none."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(children[0]) if children else None


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone already is no error."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


@contextmanager
def signals_held() -> Iterator[None]:
    """Delay SIGINT, SIGTERM and SIGHUP while the block runs, so that nothing is started and then forgotten."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release_signals() -> None:
    """Undo `signals_held` in a child process."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)


def spawn(name: str, argv: Sequence[str], log: Path, prepare: Callable[[], None], env: Mapping[str, str] | None = None) -> Process:
    """Start a process that outlives us, in a session of its own; `prepare` runs in it before its program."""

    def before_program() -> None:
        prepare()
        release_signals()

    log.parent.mkdir(parents=True, exist_ok=True)
    with signals_held(), log.open("ab") as output:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, start_new_session=True,
            preexec_fn=before_program,  # noqa: PLW1509 - no thread of ours holds a lock that it takes
        )  # fmt: skip
        child.returncode = 0  # it is not ours to wait for: keeps Popen from warning when it is collected
        return Process(name, child.pid, start_time(child.pid) or 0)


def run(argv: Sequence[str], *, what: str, text: str | None = None, timeout: float = 120) -> str:
    """Run a command to its end and return its output; LabError with its last lines if it fails."""
    try:
        done = subprocess.run(
            argv, check=False, input=text, stdin=None if text is not None else subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=timeout,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise LabError(f"{what}: the program {argv[0]} is missing") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{what}: no end after {timeout:.0f} s") from error
    if done.returncode:
        raise LabError(f"{what} failed (exit code {done.returncode}):\n{last_lines(done.stdout + done.stderr)}")
    return done.stdout


def last_lines(text: str, number: int = 15) -> str:
    """The last lines of a log, each indented by two blanks."""
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-number:]) or "  (no output)"


def wait_gone(alive: Callable[[], object], timeout: float) -> bool:
    """Wait until `alive` gives something false; False if that does not happen in time (seconds)."""
    end = time.monotonic() + timeout
    while alive():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
