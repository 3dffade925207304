"""Waiting until an echo server answers, for example until a proxy has programmed a Service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from .. import outcomes, waiting
from . import request, tcp
from .attempt import Attempt, Context, Failed

INTERVAL = 0.1
SECONDS_PER_TRY = 1.0


async def wait_until_reached(context: Context, frame: Mapping[str, Any]) -> dict[str, Any]:
    """`reached`, `seconds` it took, `outcome` of the last try. Raises BadRequest."""
    total = float(frame.get("timeout", 10))
    family = "ipv6" if ":" in str(frame.get("address")) else "ipv4"
    begun = waiting.now()
    tries, outcome = 0, outcomes.TIMEOUT
    while outcome != outcomes.REACHED and (tries == 0 or waiting.now() - begun < total):
        asked = request.parse({
            "action": "tcp", "family": family, "nonce": "00", "timeout": min(SECONDS_PER_TRY, max(0.05, total)),
            **{key: frame.get(key) for key in ("address", "port", "expect")},
        })  # fmt: skip
        outcome = await _try(context, asked, f"wait{tries}")
        tries += 1
        if outcome != outcomes.REACHED:
            await asyncio.sleep(INTERVAL)
    return {"reached": outcome == outcomes.REACHED, "seconds": round(waiting.now() - begun, 3), "tries": tries, "outcome": outcome}


async def _try(context: Context, asked: request.Request, nonce: str) -> str:
    result = Attempt()
    try:
        await tcp.attempt(context, asked, nonce, result)
    except Failed as failed:
        return failed.outcome
    return result.outcome
