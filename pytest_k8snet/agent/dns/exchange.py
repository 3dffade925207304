"""One DNS message to one server and its reply, over UDP or TCP (RFC 7766)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import outcomes, waiting
from ..probing.attempt import Failed, connect, receive, send
from ..probing.request import Request
from ..probing.udp import connected
from . import wire

FAILURES = {"SERVFAIL": outcomes.NAME_FAILURE, "REFUSED": outcomes.NAME_FAILURE, "NXDOMAIN": outcomes.NAME_ERROR}


@dataclass(frozen=True)
class Question:
    """One message to send. `server` may carry the address of any family, `port` is 53 outside of tests."""

    server: str
    name: str
    kind: str
    transport: str  # "udp" or "tcp"
    edns: int = 0
    port: int = 53


@dataclass
class Exchange:
    """What came of it: `raw` is the reply as it arrived, also when it was no reply to the question."""

    outcome: str
    message: wire.Message | None
    raw: bytes
    detail: Mapping[str, Any]


async def exchange(request: Request, question: Question, timeout: float) -> Exchange:
    """Never raises Failed: a server that does not answer is an outcome. Raises wire.BadMessage for a name that cannot be asked."""
    ident = int.from_bytes(os.urandom(2), "big")
    sent = wire.query(ident, question.name, question.kind, question.edns if question.transport == "udp" else 0)
    family = socket.AF_INET6 if ":" in question.server else socket.AF_INET
    target = replace(request, address=question.server, port=question.port, family=int(family))
    detail: dict[str, Any] = {}
    raw: list[bytes] = []
    try:
        message = await (_udp if question.transport == "udp" else _tcp)(target, sent, question, ident, waiting.now() + timeout, raw, detail)
    except Failed as failed:
        return Exchange(failed.outcome, None, raw[-1] if raw else b"", {**detail, **failed.detail})
    return Exchange(classify(message, question), message, raw[-1], detail)


def classify(message: wire.Message, question: Question) -> str:
    """Outcome of a reply to the question."""
    if message.truncated and question.transport == "udp":
        return outcomes.TRUNCATED
    if message.rcode == "NOERROR":
        return outcomes.REACHED if message.addresses(question.kind) else outcomes.NAME_ERROR
    return FAILURES.get(message.rcode, outcomes.NAME_FAILURE)


async def _udp(
    target: Request, sent: bytes, question: Question, ident: int, deadline: float, raw: list[bytes], detail: dict[str, Any]
) -> wire.Message:
    """Strangers are passed over, as resolvers do; if nothing else comes, that is what is told."""
    with connected(target) as sock:
        detail["local"] = str(sock.getsockname()[0])
        await send(sock, sent, deadline)
        while True:
            try:
                data = await receive(sock, 65535, deadline)
            except Failed as failed:
                raise (
                    Failed(outcomes.WRONG_PEER, error=detail["error"]) if raw and failed.outcome == outcomes.TIMEOUT else failed
                ) from None
            raw.append(data)
            message, why = _answer_to(data, question, ident)
            if message is not None:
                return message
            detail["error"] = why


async def _tcp(
    target: Request, sent: bytes, question: Question, ident: int, deadline: float, raw: list[bytes], detail: dict[str, Any]
) -> wire.Message:
    with await connect(target, deadline, detail) as sock:
        await send(sock, struct.pack("!H", len(sent)) + sent, deadline)
        (size,) = struct.unpack("!H", await _exactly(sock, 2, deadline))
        raw.append(await _exactly(sock, size, deadline))
    message, why = _answer_to(raw[-1], question, ident)
    if message is None:
        raise Failed(outcomes.WRONG_PEER, error=why)
    return message


async def _exactly(sock: socket.socket, size: int, deadline: float) -> bytes:
    data = b""
    while len(data) < size:
        more = await receive(sock, size - len(data), deadline)
        if not more:
            raise Failed(outcomes.RESET, error=f"closed after {len(data)} of {size} bytes")
        data += more
    return data


def _answer_to(data: bytes, question: Question, ident: int) -> tuple[wire.Message | None, str]:
    """(the message if it answers the question, why not)."""
    try:
        message = wire.parse(data)
    except wire.BadMessage as error:
        return None, f"no DNS message: {error}"
    if not message.response or message.id != ident:
        return None, "a DNS message, but no reply to this question (other id)"
    asked = message.question
    if asked is None and message.rcode in ("FORMERR", "NOTIMP", "SERVFAIL", "REFUSED"):
        return message, ""  # servers may leave the question out when they refuse it
    if asked is None or asked[1] != question.kind or not wire.same_name(asked[0], question.name):
        return None, f"a reply to another question: {asked}"
    return message, ""
