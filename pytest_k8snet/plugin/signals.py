"""SIGTERM ends a run like Ctrl-C does, so that clean-up happens; pytest alone would just die."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pytest


class Termination:
    """Installed only where nobody else handles the signal, in the main thread; restored at the end."""

    def __init__(self) -> None:
        self._installed = False

    def install(self) -> None:
        """Take the signal over if it still has its default meaning."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _stop)
            self._installed = True

    def defer(self) -> None:
        """From now on clean-up is under way: another signal must not cut it off."""
        if self._installed:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def restore(self) -> None:
        """Give the signal its default meaning back."""
        if self._installed:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._installed = False


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pytest.exit("SIGTERM: stopping and cleaning up", returncode=int(pytest.ExitCode.INTERRUPTED))
