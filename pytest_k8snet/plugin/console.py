"""Lines on the terminal: one line per finished phase in a log, a live line on a terminal. ASCII when the terminal cannot do better."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

WIDTH = 60


class Console:
    """Writes through pytest's terminal reporter; silent without one (`-p no:terminal`)."""

    def __init__(self, config: pytest.Config) -> None:
        self._plugins = config.pluginmanager
        self._quiet = config.getoption("verbose", 0) < 0
        self._started: dict[str, float] = {}
        self._live = ""

    @property
    def dot(self) -> str:
        """What separates the parts of a line."""
        encoding = (getattr(sys.__stdout__, "encoding", None) or "ascii").lower()
        return " \u00b7 " if encoding.startswith("utf") else " - "

    @property
    def _reporter(self) -> Any:
        return self._plugins.get_plugin("terminalreporter")

    def line(self, text: str, **markup: bool) -> None:
        """One whole line."""
        if self._reporter is None:
            return
        self._end_live()
        self._reporter.ensure_newline()
        self._reporter.write_line(text, **markup)

    def progress(self, phase: str, text: str, done: bool) -> None:
        """State of a phase; printed when it is done, and on a terminal also while it runs."""
        started = self._started.setdefault(phase, time.monotonic())
        if self._reporter is None or self._quiet:
            return
        shown = f"k8snet: {phase:<9} {text:<{WIDTH - 18}}"
        if done:
            self.line(f"{shown} {time.monotonic() - self._started.pop(phase):6.1f} s")
        elif self._reporter.isatty:
            self._live = phase
            self._reporter.rewrite(f"{shown} {time.monotonic() - started:6.1f} s", erase=True)

    def _end_live(self) -> None:
        if self._live:
            self._live = ""
            self._reporter.rewrite("", erase=True)
