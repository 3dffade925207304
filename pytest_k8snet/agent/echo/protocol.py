"""What client and echo server say: `K8SNET1 <run> <nonce> <action> [<bytes>]` LF, answered by one line of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import outcomes

MAGIC = "K8SNET1"
LINE_LIMIT = 1024
BULK_LIMIT = 4 * 1024 * 1024
_QUESTION = re.compile(rb"K8SNET1 ([\w.-]{1,64}) ([\w-]{1,64}) (tcp|udp|bulk)(?: (\d{1,9}))?\r?\n")


@dataclass(frozen=True)
class Question:
    """One question as the server read it; `size` is the bytes that follow (bulk)."""

    run: str
    nonce: str
    action: str
    size: int = 0


def question(run: str, nonce: str, action: str, size: int = 0) -> bytes:
    """The line a client sends."""
    return f"{MAGIC} {run} {nonce} {action}{f' {size}' if size else ''}\n".encode("ascii")


def parse_question(line: bytes) -> Question | None:
    """The question in a whole line, None if it is none."""
    match = _QUESTION.fullmatch(line)
    if match is None or int(match[4] or 0) > BULK_LIMIT:
        return None
    return Question(match[1].decode(), match[2].decode(), match[3].decode(), int(match[4] or 0))


def answer(run: str, server: str, asked: Question, seen: Mapping[str, Any]) -> bytes:
    """The line a server sends: who it is, of which run, and what it saw. The nonce is the client's own."""
    line = {"run": run, "nonce": asked.nonce, "server": server, "action": asked.action, **seen}
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"


def judge(line: bytes, run: str, nonce: str, action: str, expect: str | None) -> tuple[str, dict[str, Any], str]:
    """(outcome, reply, why not reached) of what came back. Anything but the right words of the right peer is "wrong-peer"."""
    try:
        reply = json.loads(line)
    except ValueError:
        reply = None
    if not isinstance(reply, dict):
        return outcomes.WRONG_PEER, {}, f"no answer of an echo server: {line[:80]!r}"
    wanted = {"run": run, "nonce": nonce, "action": action, **({"server": expect} if expect else {})}
    for key, value in wanted.items():
        if reply.get(key) != value:
            return outcomes.WRONG_PEER, reply, f"{key} is {reply.get(key)!r}, not {value!r}"
    return outcomes.REACHED, reply, ""
