"""A stub resolver that does what resolv.conf says and keeps every message: the C libraries differ and keep none."""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import outcomes, waiting
from ..probing.attempt import Attempt, Context
from ..probing.request import BadRequest, Request
from . import wire
from .configuration import Configuration, candidates, parse
from .exchange import Exchange, Question, exchange

ERRORS = {getattr(socket, name): name for name in ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA") if hasattr(socket, name)}
TOTAL_SECONDS = 30.0  # for all names and servers together


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """Reply: `answers` (addresses), `rcode`, `name` that was asked last. Detail: `messages`, one for each that was sent."""
    name, kind = request.raw.get("name"), request.raw.get("type", "A")
    if not isinstance(name, str) or not name.strip(".") or kind not in wire.TYPES:
        raise BadRequest(f"name {name!r} of type {kind!r} cannot be asked")
    try:
        configuration = parse(Path(context.resolv_conf).read_text(errors="replace"))
    except OSError as error:
        raise BadRequest(f"{context.resolv_conf}: {error.strerror}") from None
    messages: list[dict[str, Any]] = []
    result.detail["messages"] = messages
    await _Search(request, configuration, str(kind), messages).run(candidates(name, configuration), result)


async def system(context: Context, request: Request) -> tuple[str, str]:
    """What getaddrinfo of this image says: (addresses or the error's text, the error's name). Side evidence, asked once for each name.

    `patience` in seconds is how long it may take, because the C library asks again after its own timeout.
    """
    patience = float(request.raw.get("patience") or request.timeout)
    question = (str(request.raw.get("name")), socket.AF_INET6 if request.raw.get("type") == "AAAA" else socket.AF_INET)
    if question not in context.system:
        call = asyncio.get_running_loop().run_in_executor(context.executor, _getaddrinfo, *question)
        context.system[question] = asyncio.ensure_future(call)
    try:
        return await asyncio.wait_for(asyncio.shield(context.system[question]), patience)
    except asyncio.TimeoutError:
        return f"no answer within {patience:g} s", "no answer"


def _getaddrinfo(name: str, family: int) -> tuple[str, str]:
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except socket.gaierror as error:
        return str(error), ERRORS.get(error.errno or 0, f"error {error.errno}")
    except (OSError, UnicodeError) as error:
        return str(error), type(error).__name__
    return " ".join(str(entry[4][0]) for entry in found), ""


class _Search:
    """Names, then servers: a server that fails hands over to the next one, a name that does not exist to the next name."""

    def __init__(self, request: Request, configuration: Configuration, kind: str, messages: list[dict[str, Any]]) -> None:
        self._request, self._configuration, self._kind, self._messages = request, configuration, kind, messages
        self._deadline = waiting.now() + TOTAL_SECONDS
        transport = request.raw.get("transport", "udp")
        self._transport = "tcp" if transport == "tcp" or "use-vc" in configuration.flags else "udp"
        self._timeout = min(request.timeout, float(configuration.options["timeout"]) or 1.0)
        self._edns = 1232 if "edns0" in configuration.flags else 0

    async def run(self, names: list[str], result: Attempt) -> None:
        """The first name with an answer wins. If none has one, a server failure on the way outweighs a name that is not there."""
        failed = ""
        for name in names:
            done = await self._name(name)
            result.outcome, result.reply = done.outcome, self._reply(done, name)
            if done.outcome == outcomes.NAME_FAILURE:
                failed = failed or done.outcome
            elif done.outcome != outcomes.NAME_ERROR:
                return
        result.outcome = failed or result.outcome

    async def _name(self, name: str) -> Exchange:
        done = Exchange(outcomes.TIMEOUT, None, b"", {"error": "no time left"})
        for server in self._configuration.nameservers:
            if waiting.now() >= self._deadline:
                break
            done = await self._server(Question(server, name, self._kind, self._transport, self._edns, self._port()))
            if done.outcome in (outcomes.REACHED, outcomes.NAME_ERROR):
                break
        return done

    async def _server(self, question: Question) -> Exchange:
        done = await self._ask(question)
        if done.outcome == outcomes.TRUNCATED:
            done = await self._ask(replace(question, transport="tcp"))
        return done

    async def _ask(self, question: Question) -> Exchange:
        try:
            done = await exchange(self._request, question, self._timeout)
        except wire.BadMessage as error:  # a search domain that makes the name too long: no such name
            done = Exchange(outcomes.NAME_ERROR, None, b"", {"error": str(error)})
        self._messages.append({
            "server": question.server, "qname": question.name, "transport": question.transport, "outcome": done.outcome,
            "wire": base64.b64encode(done.raw).decode() if done.raw else None, **done.detail,
        })  # fmt: skip
        return done

    def _port(self) -> int:
        return int(self._request.raw.get("dns_port", 53))

    def _reply(self, done: Exchange, name: str) -> dict[str, Any]:
        answers = done.message.addresses(self._kind) if done.message else []
        return {"answers": answers, "rcode": done.message.rcode if done.message else None, "name": name}
