"""Programs that build artifacts: logged, shown as they go, and ended with us."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.errors import LabError

SHOWN_LINES = 15
FULL_DISK = os.strerror(errno.ENOSPC).lower()


class ArtifactError(LabError):
    """An artifact cannot be built; the text names it, shows the end of the log and where the log lies."""


def full_disk(what: str, place: Path) -> ArtifactError:
    """The error for ENOSPC, wherever it came from."""
    return ArtifactError(f"{what}: the disk is full (no space left for {place}, or for Go's own caches); free some space and run it again")


class Runner:
    """Runs programs one per lane; `stop` ends all of them at once and lets none start any more."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._stopped = False
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()

    def run(
        self,
        argv: Sequence[str],
        *,
        what: str,
        log: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        line: Callable[[str], None] | None = None,
    ) -> str:
        """Run to the end and return what was printed; append it to LOGS/log and hand each line to `line`.

        Raises ArtifactError with the last lines where the program fails or is missing.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / log
        with path.open("a", errors="replace") as sink:
            sink.write(f"$ {' '.join(argv)}\n")
            with self._child(argv, what, env, cwd) as child:
                text = _pump(child, sink.write, line)
        if child.returncode:
            raise _failure(what, text, path, child.returncode)
        return text

    def stop(self) -> None:
        """End every running program."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                _kill(child)

    @contextmanager
    def _child(self, argv: Sequence[str], what: str, env: Mapping[str, str] | None, cwd: Path | None) -> Iterator[subprocess.Popen[str]]:
        child = self._start(argv, what, env, cwd)
        try:
            yield child
        except BaseException:
            _kill(child)
            raise
        finally:
            child.wait()
            with self._lock:
                self._running.discard(child)

    def _start(self, argv: Sequence[str], what: str, env: Mapping[str, str] | None, cwd: Path | None) -> subprocess.Popen[str]:
        # setpriv: the kernel ends the program when we die, even by SIGKILL
        command = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        with self._lock:
            if self._stopped:
                raise ArtifactError(f"{what}: not started, another step failed")
            child = subprocess.Popen(
                command,
                env={**os.environ, "LC_ALL": "C", **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(child)
            return child


def _pump(child: subprocess.Popen[str], write: Callable[[str], object], line: Callable[[str], None] | None) -> str:
    assert child.stdout is not None
    read: deque[str] = deque()
    for text in child.stdout:
        write(text)
        read.append(text)
        if line:
            line(text.rstrip())
    child.wait()
    return "".join(read)


def _kill(child: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _failure(what: str, text: str, log: Path, code: int) -> ArtifactError:
    if FULL_DISK in text.lower():
        return full_disk(what, log.parent.parent)
    last = "\n".join(f"  {line}" for line in text.splitlines()[-SHOWN_LINES:])
    return ArtifactError(
        f"{what} failed (exit code {code}); the last lines of its log:\n{last or '  (it printed nothing)'}\nThe whole log: {log}"
    )
