"""The routers on the way to a target: one datagram for each TTL, whose sender reports itself by an ICMP error. Needs no privilege."""

from __future__ import annotations

import socket

from .. import kernel, outcomes, waiting
from ..echo import protocol
from .attempt import Attempt, Context, Failed, receive, send
from .request import BadRequest, Request
from .tcp import take
from .udp import connected

HOPS = 4
HOP_LIMIT = 30
TRIES = 3  # Linux sends one host six ICMP errors at once and then one a second: a router that is silent is asked again
PATIENCE = 0.7
TIME_EXCEEDED = {4: 11, 6: 3}
SILENT = ""


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """Detail `hops`: the address of each router in order, "" for a silent one, then the target's; reply: what the target saw."""
    limit = request.raw.get("hops", HOPS)
    if not isinstance(limit, int) or not 1 <= limit <= HOP_LIMIT:
        raise BadRequest(f"hops {limit!r} is not a whole number from 1 to {HOP_LIMIT}")
    hops: list[str] = []
    result.detail["hops"] = hops
    for ttl in range(1, limit + 1):
        address, answer = await _hop(request, protocol.question(context.run, nonce, "udp"), ttl)
        hops.append(address)
        if answer:
            take(result, answer, context, request, nonce, "udp")
            return
    raise Failed(outcomes.TIMEOUT, error=f"the target did not answer at {limit} hops")


async def _hop(request: Request, question: bytes, ttl: int) -> tuple[str, bytes]:
    """(address of the router, or of the target with its answer). Raises Failed for an error that no TTL causes."""
    for _ in range(TRIES):
        try:
            return request.address, await _ask(request, question, ttl)
        except Failed as failed:
            if failed.detail.get("icmp_type") == TIME_EXCEEDED[request.version]:
                return str(failed.detail.get("icmp_from", SILENT)), b""
            if failed.outcome != outcomes.TIMEOUT:
                raise
    return SILENT, b""


async def _ask(request: Request, question: bytes, ttl: int) -> bytes:
    deadline = waiting.now() + min(PATIENCE, request.timeout)
    with connected(request) as sock:
        if request.version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, kernel.IP_TTL, ttl)
        await send(sock, question, deadline)
        return await receive(sock, 65536, deadline)
