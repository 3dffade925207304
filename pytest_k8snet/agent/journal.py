"""Everything the agent said in this run, numbered from 1 without gaps, kept so that a new stream can ask for what the lost one missed."""

from __future__ import annotations

from collections import deque
from typing import Any, Callable

from . import framing

KEPT_BYTES = 64 * 1024 * 1024


class Journal:
    """Encoded frames in order. When they outgrow `limit` bytes the oldest are forgotten."""

    def __init__(self, run: str, limit: int = KEPT_BYTES) -> None:
        self.run = run
        self.last = 0
        self.grown: Callable[[], None] = lambda: None
        self._frames: deque[bytes] = deque()
        self._size, self._limit = 0, limit

    @property
    def first(self) -> int:
        """Sequence number of the oldest frame that is still kept."""
        return self.last - len(self._frames) + 1

    def add(self, kind: str, of: int | None, **body: Any) -> int:
        """Number and keep one frame; returns its sequence number."""
        frame = framing.encode({"run": self.run, "seq": self.last + 1, "of": of, "kind": kind, **body})
        self.last += 1
        self._frames.append(frame)
        self._size += len(frame)
        while self._size > self._limit and len(self._frames) > 1:
            self._size -= len(self._frames.popleft())
        self.grown()
        return self.last

    def after(self, seq: int, limit: int) -> tuple[bytes, int]:
        """Frames after `seq`, about `limit` bytes of them at most (one at least, if there is one), and the number of the last."""
        taken, size = [], 0
        seq = max(seq, self.first - 1)
        while seq < self.last and size < limit:
            frame = self._frames[seq + 1 - self.first]
            taken.append(frame)
            size += len(frame)
            seq += 1
        return b"".join(taken), seq
