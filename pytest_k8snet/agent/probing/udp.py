"""One datagram there, one back; ICMP errors come from the socket's error queue."""

from __future__ import annotations

import socket

from .. import kernel, waiting
from ..echo import protocol
from .attempt import Attempt, Context, failure, receive, send, sockname
from .request import Request
from .tcp import take


def connected(request: Request) -> socket.socket:
    """A socket that takes only what comes from the target. Raises Failed, when there is no route for example."""
    sock = socket.socket(request.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        kernel.report_errors(sock)
        if request.local_port:
            sock.bind(("", request.local_port))
        sock.connect((request.address, request.port))
    except OSError as error:
        failed = failure(sock, error.errno or 0)
        sock.close()
        raise failed from None
    return sock


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """The first datagram that arrives decides."""
    deadline = waiting.now() + request.timeout
    with connected(request) as sock:
        result.detail["local"] = sockname(sock)
        if request.local_port:
            result.detail["local_port"] = sock.getsockname()[1]
        await send(sock, protocol.question(context.run, nonce, "udp"), deadline)
        take(result, await receive(sock, 65536, deadline), context, request, nonce, "udp")
