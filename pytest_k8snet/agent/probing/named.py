"""TCP to a name: what an application does. The address is asked for as the pod's own resolv.conf says, in the time of the same try."""

from __future__ import annotations

from dataclasses import replace

from .. import outcomes
from ..dns import stub
from . import tcp
from .attempt import Attempt, Context, Failed
from .request import Request


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """As tcp.attempt; a request with `name` goes to the first address found for it, and detail `resolved` holds all of them."""
    if "name" in request.raw:
        request = replace(request, address=await _address(context, request, nonce, result))
    await tcp.attempt(context, request, nonce, result)


async def _address(context: Context, request: Request, nonce: str, result: Attempt) -> str:
    found = Attempt()
    await stub.attempt(context, request, nonce, found)
    answers = [str(answer) for answer in found.reply.get("answers") or ()]
    result.detail["resolved"] = answers
    if not answers:
        outcome = outcomes.NAME_ERROR if found.outcome == outcomes.REACHED else found.outcome
        raise Failed(outcome, error=f"{request.raw['name']} has no address")
    return answers[0]
