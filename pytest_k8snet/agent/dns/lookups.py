"""Many lookups at the same moment, each as the GNU C library makes it: A and AAAA from one socket, and again after a timeout.

Two packets of one socket at once are what races for an entry in the connection table of the kernel; the loser is dropped, and the
lookup stands still until the timeout.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import outcomes, waiting
from ..probing.attempt import Attempt, Context, Failed, receive, send
from ..probing.request import BadRequest, Request
from ..probing.udp import connected
from . import wire
from .configuration import parse

COUNT_LIMIT = 1000
KINDS = ("A", "AAAA")
TICK = 0.02
REFUSING = ("SERVFAIL", "REFUSED")


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """Reply: `seconds` of every lookup that was answered, `unanswered`. Detail: `lag`, by how much this process was late at most."""
    count, name = request.raw.get("count", 100), request.raw.get("name")
    if not isinstance(count, int) or not 1 <= count <= COUNT_LIMIT or not isinstance(name, str) or not name.endswith("."):
        raise BadRequest(f"{count!r} lookups of {name!r}: up to {COUNT_LIMIT} of one absolute name")
    try:
        configuration = parse(Path(context.resolv_conf).read_text(errors="replace"))
    except OSError as error:
        raise BadRequest(f"{context.resolv_conf}: {error.strerror}") from None
    port = int(request.raw.get("dns_port", 53))
    timeout, attempts = float(configuration.options["timeout"]) or 1.0, configuration.options["attempts"]
    tries = [(_target(request, server, port), timeout) for _ in range(attempts) for server in configuration.nameservers]
    lag = _Lag()
    try:
        found = await asyncio.gather(*(_lookup(tries, name) for _ in range(count)))
    finally:
        result.detail["lag"] = lag.stop()
    seconds = sorted(round(one, 6) for one in found if one is not None)
    result.reply = {"seconds": seconds, "unanswered": count - len(seconds)}
    result.outcome = outcomes.REACHED if seconds else outcomes.TIMEOUT


def _target(request: Request, server: str, port: int) -> Request:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    return replace(request, address=server, port=port, family=int(family))


async def _lookup(tries: Sequence[tuple[Request, float]], name: str) -> float | None:
    """Seconds until both questions were answered."""
    begun = waiting.now()
    for target, timeout in tries:
        try:
            if await _both(target, name, waiting.now() + timeout):
                return waiting.now() - begun
        except Failed:
            continue
    return None


async def _both(target: Request, name: str, deadline: float) -> bool:
    """Whether a server answers both questions; a name that does not exist is an answer, a failure of the server is none."""
    first = int.from_bytes(os.urandom(2), "big")
    open_ = {(first + number) & 0xFFFF: kind for number, kind in enumerate(KINDS)}
    with connected(target) as sock:
        for ident, kind in open_.items():
            await send(sock, wire.query(ident, name, kind), deadline)
        while open_:
            message = _parsed(await receive(sock, 65535, deadline))
            if message is None or not message.response or message.question is None or open_.get(message.id) != message.question[1]:
                continue
            if message.rcode in REFUSING:
                return False
            del open_[message.id]
    return True


def _parsed(data: bytes) -> wire.Message | None:
    try:
        return wire.parse(data)
    except wire.BadMessage:
        return None


class _Lag:
    """By how much the event loop comes late, looked at all the time."""

    def __init__(self) -> None:
        self._most = 0.0
        self._task = asyncio.ensure_future(self._watch())

    def stop(self) -> float:
        """The most in seconds."""
        self._task.cancel()
        return round(self._most, 3)

    async def _watch(self) -> Any:
        while True:
            due = waiting.now() + TICK
            await asyncio.sleep(TICK)
            self._most = max(self._most, waiting.now() - due)
