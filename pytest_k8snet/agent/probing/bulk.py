"""Bytes there and the same bytes back over one TCP connection, compared by SHA-256: finds MTU black holes and damage."""

from __future__ import annotations

import hashlib
import os
import socket
from functools import lru_cache
from typing import Any

from .. import kernel, outcomes, waiting
from ..echo import protocol
from .attempt import Attempt, Context, Failed, connect, receive, send
from .request import BadRequest, Request
from .tcp import take

DEFAULT_BYTES = 1 << 20
DEADLINES = 4  # timeouts for the whole transfer
CHUNK = 1 << 16


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """Detail: `seconds_up` until the server's hash is here, `seconds_down`; on a stall `phase` and `received` (bytes that came back)."""
    size = _size(request)
    deadline = waiting.now() + DEADLINES * request.timeout
    sock = await connect(request, min(deadline, waiting.now() + request.timeout), result.detail)
    try:
        await _transfer(sock, nonce.encode("ascii")[:size] + _noise(size)[len(nonce) :], (context, request, nonce), deadline, result)
    finally:
        info = kernel.tcp_info(sock)
        result.detail.update(retransmits=info.get("retransmits"), snd_mss=info.get("snd_mss"), pmtu=info.get("pmtu"))
        sock.close()


@lru_cache(maxsize=2)
def _noise(size: int) -> bytes:
    """Random bytes, made once: they take longer than the transfer."""
    return os.urandom(size)


def _size(request: Request) -> int:
    size = request.raw.get("bytes", DEFAULT_BYTES)
    if not isinstance(size, int) or not 1 <= size <= protocol.BULK_LIMIT:
        raise BadRequest(f"bytes {size!r} is not a whole number from 1 to {protocol.BULK_LIMIT}")
    return size


async def _transfer(sock: socket.socket, data: bytes, who: tuple[Context, Request, str], deadline: float, result: Attempt) -> None:
    context, request, nonce = who
    begun, result.detail["phase"] = waiting.now(), "up"
    await send(sock, protocol.question(context.run, nonce, "bulk", len(data)) + data, deadline)
    line, rest = await _line(sock, deadline)
    take(result, line, context, request, nonce, "bulk")
    turned, result.detail["phase"] = waiting.now(), "down"
    result.detail["seconds_up"] = turned - begun
    if result.outcome != outcomes.REACHED:
        return
    _compare(data, await _rest(sock, rest, len(data), deadline, result.detail), result)
    result.detail["seconds_down"] = waiting.now() - turned
    del result.detail["phase"], result.detail["received"]


async def _line(sock: socket.socket, deadline: float) -> tuple[bytes, bytes]:
    """(the server's line, what came with it)."""
    data = b""
    while b"\n" not in data and len(data) < protocol.LINE_LIMIT:
        data += await _some(sock, deadline)
    line, end, rest = data.partition(b"\n")
    return line + end, rest


async def _rest(sock: socket.socket, start: bytes, size: int, deadline: float, detail: dict[str, Any]) -> bytes:
    data = bytearray(start)
    detail["received"] = len(data)
    while len(data) < size:
        data += await _some(sock, deadline)
        detail["received"] = len(data)
    return bytes(data)


async def _some(sock: socket.socket, deadline: float) -> bytes:
    data = await receive(sock, CHUNK, deadline)
    if not data:
        raise Failed(outcomes.RESET, error="closed in the middle of the transfer")
    return data


def _compare(sent: bytes, received: bytes, result: Attempt) -> None:
    ours = hashlib.sha256(sent).hexdigest()
    if result.reply.get("sha256") != ours:
        result.outcome, result.detail["error"] = outcomes.DAMAGED, "the server's hash differs from what was sent"
    elif received != sent:
        result.outcome, result.detail["error"] = outcomes.DAMAGED, "what came back differs from what was sent"
