"""Connect, send a nonce line, read what the echo server saw."""

from __future__ import annotations

import socket

from .. import kernel, outcomes, waiting
from ..echo import protocol
from .attempt import Attempt, Context, Failed, connect, receive, send
from .request import Request

CLOSING_SECONDS = 0.05  # how long the server's FIN may take; whoever closes first keeps the port busy for a minute


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """With `echo` false an accepted connection is enough: the target is no server of ours."""
    deadline = waiting.now() + request.timeout
    sock = await connect(request, deadline, result.detail)
    try:
        if request.raw.get("echo") is not False:
            await send(sock, protocol.question(context.run, nonce, "tcp"), deadline)
            take(result, await read_line(sock, deadline), context, request, nonce, "tcp")
            await _end(sock)
    finally:
        result.detail["retransmits"] = kernel.tcp_info(sock).get("retransmits")
        sock.close()


def take(result: Attempt, line: bytes, context: Context, request: Request, nonce: str, action: str) -> None:
    """Judge the server's line and note it."""
    result.outcome, result.reply, why = protocol.judge(line, context.run, nonce, action, request.expect)
    if why:
        result.detail["error"] = why


async def read_line(sock: socket.socket, deadline: float) -> bytes:
    """One line. A stream that ends before it is a reset: somebody accepted and said nothing."""
    data = b""
    while not data.endswith(b"\n") and len(data) < protocol.LINE_LIMIT:
        more = await receive(sock, protocol.LINE_LIMIT - len(data), deadline)
        if not more:
            raise Failed(outcomes.RESET, error=f"closed after {len(data)} bytes, before a whole answer")
        data += more
    return data


async def _end(sock: socket.socket) -> None:
    try:
        await receive(sock, 1, waiting.now() + CLOSING_SECONDS)
    except Failed:
        return
