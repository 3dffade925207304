"""One line per finished step of a long job: its number, of how many, its name and its seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

LOG_INTERVAL = 15.0  # seconds between two live lines where the stream is not a terminal
REDRAW_INTERVAL = 0.5  # seconds between two drawings of the live line on a terminal
NAME_WIDTH = 34
ERASE_LINE = "\r\x1b[2K"


class Step:
    """A running step; `live` shows where it is."""

    def __init__(self, progress: Progress, name: str) -> None:
        self.name = name
        self.started = time.monotonic()
        self.detail = ""
        self._progress = progress
        self._logged = self.started

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def live(self, text: str) -> None:
        """Show a detail: at once on a terminal, at most every 15 seconds in a log."""
        self.detail = text
        if self._progress.is_terminal:
            self._progress.redraw()
        elif time.monotonic() - self._logged >= LOG_INTERVAL:
            self._logged = time.monotonic()
            self._progress.note(self)


class Progress:
    """Prints the steps to a stream; safe to use from several threads."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.timings: dict[str, float] = {}
        self._stream = stream if stream is not None else sys.stdout
        self.is_terminal = self._stream.isatty()
        self._planned: list[str] = []
        self._running: list[Step] = []
        self._lock = threading.RLock()
        self._drawn = 0.0

    def plan(self, names: Sequence[str]) -> None:
        """Announce steps to come; a further call adds to them."""
        with self._lock:
            self._planned.extend(name for name in names if name not in self._planned)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a block and print its line at the end, with FAILED where it raised."""
        self.plan([name])
        step = Step(self, name)
        with self._ticking(step):
            try:
                yield step
            except BaseException:
                self._finish(step, failed=True)
                raise
            self._finish(step, failed=False)

    def redraw(self) -> None:
        """Draw the live line of the newest running step (a terminal only)."""
        with self._lock:
            now = time.monotonic()
            if not self._running or now - self._drawn < REDRAW_INTERVAL / 5:
                return
            self._drawn = now
            step = self._running[-1]
            self._write(f"{ERASE_LINE}{self._head(step.name)} {step.seconds:7.1f} s  {step.detail[:60]}")

    def note(self, step: Step) -> None:
        """Print a detail of a running step as a line of its own."""
        with self._lock:
            self._write(f"        {step.name}: {step.detail} ({step.seconds:.0f} s)\n")

    def _finish(self, step: Step, *, failed: bool) -> None:
        with self._lock:
            self._running.remove(step)
            self.timings[step.name] = step.seconds
            erase = ERASE_LINE if self.is_terminal else ""
            self._write(f"{erase}{self._head(step.name)} {step.seconds:7.1f} s{'  FAILED' if failed else ''}\n")
        if self.is_terminal:
            self.redraw()

    def _head(self, name: str) -> str:
        total = len(self._planned)
        width = len(str(total))
        return f"[{self._planned.index(name) + 1:{width}}/{total}] {name:<{NAME_WIDTH}}"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    @contextmanager
    def _ticking(self, step: Step) -> Iterator[None]:
        """Keep the seconds of the live line moving while the step is silent."""
        with self._lock:
            self._running.append(step)
        if not self.is_terminal:
            yield
            return
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(over,), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join()

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(REDRAW_INTERVAL):
            self.redraw()
