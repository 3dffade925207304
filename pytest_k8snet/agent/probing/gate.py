"""How many tries may be under way. Many at once only make each other late: on a busy node they would fail by our own doing."""

from __future__ import annotations

import asyncio
from collections import deque

FRESH = 4
FRESH_SECONDS = 0.2


class Gate:
    """At most `width` tries that are younger than `seconds`. Older ones wait for a timeout and no longer count."""

    def __init__(self, width: int = FRESH, seconds: float = FRESH_SECONDS) -> None:
        self._free, self._seconds = width, seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> Turn:
        """Wait for a turn, in the order of asking. Its holder gives it back by `end`."""
        if self._free:
            self._free -= 1
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        return Turn(self, self._seconds)

    def leave(self) -> None:
        """Hand a turn on to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Turn:
    """One place; it is free again when its time is over, or earlier by `end`."""

    def __init__(self, gate: Gate, seconds: float) -> None:
        self._gate, self._held = gate, True
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """Give it back, once."""
        if self._held:
            self._held = False
            self._timer.cancel()
            self._gate.leave()
