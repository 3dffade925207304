"""Runs the probes of one request in their order, a bounded number at a time, and their samples one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from .. import outcomes, waiting
from ..dns import lookups, stub
from ..route import device_mtu
from . import bulk, icmp, named, query, request, tls, trace, udp
from .attempt import Attempt, Context, Failed

ATTEMPTS = {
    "tcp": named.attempt, "udp": udp.attempt, "icmp": icmp.attempt, "bulk": bulk.attempt, "tls": tls.attempt, "trace": trace.attempt,
    "resolve": stub.attempt, "query": query.attempt, "lookups": lookups.attempt,
}  # fmt: skip
PARALLEL_LIMIT = 256
LATE = {"bulk": 2, "lookups": 1}
FAILURES_PER_SERVER = 3
Report = Callable[[dict[str, Any]], None]


class Runner:
    """One "probe" request: `rate` = probes started per second, 0 = as fast as they go."""

    def __init__(self, context: Context, report: Report, parallel: int, rate: float) -> None:
        self._context, self._report = context, report
        self._parallel, self._gap = max(1, min(parallel, PARALLEL_LIMIT)), 1 / rate if rate > 0 else 0.0
        self._next = 0.0

    async def run(self, probes: Sequence[Any]) -> None:
        """One result for each probe, whatever happens to it. What would make all others late comes last, a few at a time."""
        self._next = waiting.now()
        await self._lane([raw for raw in probes if _action(raw) not in LATE], self._parallel)
        for action, parallel in LATE.items():
            await self._lane([raw for raw in probes if _action(raw) == action], min(self._parallel, parallel))

    async def _lane(self, probes: Sequence[Any], parallel: int) -> None:
        queue = iter(probes)
        await asyncio.gather(*(self._work(queue) for _ in range(min(parallel, len(probes)))))

    async def _work(self, queue: Iterator[Any]) -> None:
        for raw in queue:
            await self._turn()
            self._report(await observe(self._context, raw))

    async def _turn(self) -> None:
        if not self._gap:
            return
        begin = max(self._next, waiting.now())
        self._next = begin + self._gap
        await asyncio.sleep(begin - waiting.now())


def _action(raw: Any) -> Any:
    return raw.get("action") if isinstance(raw, Mapping) else None


async def observe(context: Context, raw: Any) -> dict[str, Any]:
    """The body of the "result" frame of one probe."""
    body = {"id": raw.get("id") if isinstance(raw, Mapping) else None, "request": raw, "mtu": None}
    try:
        asked = request.parse(raw if isinstance(raw, Mapping) else {})
    except request.BadRequest as problem:
        return {**body, "samples": [_not_tried(str(problem))]}
    body["mtu"] = device_mtu(asked.address) if asked.address else None
    system = asyncio.ensure_future(stub.system(context, asked)) if asked.action == "resolve" else None
    samples = await _samples(context, asked)
    if system is not None:
        answer, error = await system
        for sample in samples:
            sample["detail"].update(getaddrinfo=answer, getaddrinfo_error=error)
    return {**body, "samples": samples}


def _not_tried(reason: str) -> dict[str, Any]:
    return {
        "n": 0, "warmup": False, "outcome": outcomes.PROBE_ERROR, "seconds": 0.0, "nonce": "", "reply": {}, "detail": {"error": reason},
    }  # fmt: skip


async def _samples(context: Context, asked: request.Request) -> list[dict[str, Any]]:
    samples = [await _sample(context, asked, n, True) for n in range(asked.warmup)]
    judged: list[dict[str, Any]] = []
    while not enough(asked, judged):
        judged.append(await _sample(context, asked, len(samples) + len(judged), False))
    return samples + judged


def enough(asked: request.Request, judged: Sequence[Mapping[str, Any]]) -> bool:
    """`until` = go on up to `max` samples until so many servers answered, unless nothing answers or too many tries fail."""
    if len(judged) < asked.samples:
        return False
    if not asked.until or len(judged) >= asked.maximum:
        return True
    reached = [sample["reply"].get("server") for sample in judged if sample["outcome"] == outcomes.REACHED]
    failed = len(judged) - len(reached)
    allowed = 1 if asked.action == "bulk" else FAILURES_PER_SERVER * asked.until  # a transfer that stalls takes long, and says enough
    return not reached or len(set(reached)) >= asked.until or failed >= allowed


async def _sample(context: Context, asked: request.Request, number: int, warmup: bool) -> dict[str, Any]:
    nonce = f"{asked.nonce}{number:04x}"
    result = Attempt()
    turn = await context.gate.enter()
    begun = waiting.now()
    try:
        await ATTEMPTS[asked.action](context, asked, nonce, result)
    except Failed as failed:
        result.outcome = failed.outcome
        result.detail.update(failed.detail)
    except Exception as error:  # whatever it is, it is told, and it is no evidence about the network
        result.outcome = outcomes.PROBE_ERROR
        result.detail["error"] = str(error) if isinstance(error, request.BadRequest) else repr(error)
    finally:
        turn.end()
    seconds = round(waiting.now() - begun, 6)
    return {
        "n": number, "warmup": warmup, "outcome": result.outcome, "seconds": seconds, "nonce": nonce,
        "reply": result.reply, "detail": result.detail,
    }  # fmt: skip
