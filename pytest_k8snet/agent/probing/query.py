"""One DNS message to one server, as asked, without search list."""

from __future__ import annotations

import base64

from ..dns import wire
from ..dns.exchange import Question, exchange
from .attempt import Attempt, Context
from .request import BadRequest, Request


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """Reply: `rcode`, `tc`, `count`, `size` (bytes), `answers`. Detail: `wire`, the reply in base64."""
    raw = request.raw
    question = Question(
        request.address, str(raw.get("name", "")), str(raw.get("type", "A")), str(raw.get("transport", "udp")),
        int(raw.get("edns") or 0), request.port,
    )  # fmt: skip
    try:
        done = await exchange(request, question, request.timeout)
    except wire.BadMessage as error:
        raise BadRequest(str(error)) from None
    result.outcome = done.outcome
    result.detail.update(done.detail, wire=base64.b64encode(done.raw).decode() if done.raw else None)
    if done.message is not None:
        result.reply = wire.summary(done.message, question.kind, len(done.raw))
