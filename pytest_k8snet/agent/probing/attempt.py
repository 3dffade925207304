"""What one try gives, and the sockets all actions share."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from .. import kernel, outcomes, waiting
from .gate import Gate
from .request import Request

STARVED_SECONDS = 0.1
IN_PROGRESS = (errno.EINPROGRESS, errno.EAGAIN)


@dataclass
class Attempt:
    """One try, filled while it goes on: outcome, what the peer said, what the agent noted."""

    outcome: str = outcomes.REACHED
    reply: dict[str, Any] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """Whose agent this is; `executor` is a small pool for calls that block, `gate` is shared by all tries."""

    run: str
    endpoint: str
    resolv_conf: str
    executor: Executor
    gate: Gate
    system: dict[tuple[str, int], asyncio.Future[tuple[str, str]]] = field(default_factory=dict)  # what getaddrinfo said


class Failed(Exception):
    """The try is over."""

    def __init__(self, outcome: str, **detail: Any) -> None:
        super().__init__(outcome)
        self.outcome, self.detail = outcome, detail


def failure(sock: socket.socket, number: int) -> Failed:
    """The failure of a system call on `sock`. A message from the network that is queued on it says more than the errno."""
    queued = kernel.queued_error(sock)
    outcome = outcomes.of_icmp(queued["icmp_type"], queued["icmp_code"], kernel.version(sock)) if "icmp_type" in queued else None
    detail = {"errno": errno.errorcode.get(number, str(number)), "error": os.strerror(number)}
    detail.update((key, value) for key, value in queued.items() if key != "errno")
    return Failed(outcome or outcomes.of_errno(number), **detail)


def timed_out(missing: str, late: waiting.Late) -> Failed:
    """A timeout; `starved` (seconds) tells that this process itself came too late to look, so the node is overloaded."""
    starved = {"starved": round(late.seconds, 3)} if late.seconds > STARVED_SECONDS else {}
    return Failed(outcomes.TIMEOUT, error=f"no {missing} within the deadline", **starved)


def sockname(sock: socket.socket) -> str:
    """Own address of a connected socket."""
    return str(sock.getsockname()[0])


async def connect(request: Request, deadline: float, detail: dict[str, Any]) -> socket.socket:
    """A connected TCP socket. Raises Failed; `detail` gets `local` and `syn_retransmits` either way."""
    sock = socket.socket(request.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        kernel.report_errors(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await _connected(sock, request, deadline)
        kernel.report_errors(sock, False)
        return sock
    except BaseException:
        _note(sock, detail)
        sock.close()
        raise
    finally:
        if sock.fileno() >= 0:
            _note(sock, detail)


def _note(sock: socket.socket, detail: dict[str, Any]) -> None:
    detail["local"] = sockname(sock)
    detail["syn_retransmits"] = kernel.tcp_info(sock).get("retransmits")


async def _connected(sock: socket.socket, request: Request, deadline: float) -> None:
    number = sock.connect_ex((request.address, request.port))
    if number in IN_PROGRESS:
        try:
            await waiting.writable(sock, deadline)
        except waiting.Late as late:
            raise timed_out("answer to the SYN", late) from None
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise failure(sock, number)


async def send(sock: socket.socket, data: bytes, deadline: float) -> None:
    """Send all of it. Raises Failed."""
    view = memoryview(data)
    while view:
        try:
            view = view[sock.send(view) :]
        except BlockingIOError:
            await _or_timeout(waiting.writable(sock, deadline), "progress in sending")
        except OSError as error:
            raise failure(sock, error.errno or 0) from None


async def receive(sock: socket.socket, limit: int, deadline: float) -> bytes:
    """The next bytes or datagram; b"" at the end of a TCP stream. Raises Failed."""
    return (await receive_message(sock, limit, deadline))[0]


async def receive_message(sock: socket.socket, limit: int, deadline: float) -> tuple[bytes, Any, str]:
    """(the next bytes or datagram, its ancillary data, the address it came from, "" for TCP). Raises Failed."""
    while True:
        try:
            data, ancillary, _, sender = sock.recvmsg(limit, 256)
            return data, ancillary, sender[0] if sender else ""
        except BlockingIOError:
            await _or_timeout(waiting.readable(sock, deadline), "answer")
        except OSError as error:
            raise failure(sock, error.errno or 0) from None


async def _or_timeout(wait: Any, phase: str) -> None:
    try:
        await wait
    except waiting.Late as late:
        raise timed_out(phase, late) from None
