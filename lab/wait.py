"""Waiting for a fact, with the log of the component that should bring it about."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.process import last_lines


def until(
    fact: Callable[[], bool],
    what: str,
    *,
    timeout: float,
    logs: Sequence[Path] = (),
    alive: Callable[[], None] | None = None,
) -> None:
    """Wait until `fact` holds; refused and broken connections count as "not yet".

    Args:
        what: the fact in words, for the error.
        timeout: seconds.
        logs: files whose last lines explain why it does not come; the newest that exists is shown.
        alive: raises LabError when waiting has no sense any more.
    Raises:
        LabError: with the last lines of the log and where the rest is.
    """
    end, reason = time.monotonic() + timeout, ""
    while True:
        try:
            if fact():
                return
        except (OSError, http.client.HTTPException, LabError) as error:
            reason = f" ({error})"
        if alive:
            alive()
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {timeout:.0f} s{reason}{excerpt(logs)}")
        time.sleep(0.1)


def excerpt(logs: Sequence[Path]) -> str:
    """The end of the newest log with anything in it, and its path; empty if there is none."""
    written = [path for path in logs if path.is_file() and path.stat().st_size]
    if not written:
        return ""
    newest = max(written, key=lambda path: path.stat().st_mtime)
    with newest.open("rb") as file:
        file.seek(max(0, newest.stat().st_size - 8000))
        text = file.read().decode(errors="replace")
    return f"\n{last_lines(text)}\n  the whole log: {newest}"
