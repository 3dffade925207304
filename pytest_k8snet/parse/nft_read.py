"""JSON of nftables rules to values. What is not known keeps its JSON as text; nothing is guessed and nothing dropped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .nft_expression import (
    Concat,
    Ct,
    Expression,
    Fib,
    Listed,
    Lookup,
    Mangle,
    Match,
    Members,
    Meta,
    Named,
    Numgen,
    Opaque,
    Operation,
    Pairs,
    Payload,
    Plain,
    Prefix,
    Range,
    Reject,
    Statement,
    Translate,
    Update,
    Verdict,
    VerdictMap,
)

_VERDICTS = ("accept", "drop", "return", "continue")
_JUMPS = ("jump", "goto")
_OPERATORS = ("&", "|", "^", "<<", ">>")
_TRANSLATIONS = ("snat", "dnat", "masquerade", "redirect")


def statement(raw: Mapping[str, Any]) -> Statement:
    """One statement of a rule. Raises KeyError, TypeError or ValueError where a known one lacks a part."""
    ((kind, body),) = raw.items()
    if kind in _VERDICTS:
        return Verdict(kind)
    if kind in _JUMPS:
        return Verdict(kind, body["target"])
    if kind in _TRANSLATIONS:
        return _translate(kind, body or {})
    return _STATEMENTS[kind](body) if kind in _STATEMENTS else Plain(kind, _text(body))


def expression(raw: Any) -> Expression:
    """A value, or where to read one."""
    if isinstance(raw, str):
        return Named(raw[1:]) if raw.startswith("@") else raw
    if isinstance(raw, int):
        return raw
    if isinstance(raw, list):
        return Listed(tuple(map(expression, raw)))
    if not isinstance(raw, Mapping) or len(raw) != 1:
        return Opaque(_text(raw))
    ((kind, body),) = raw.items()
    if kind in _VERDICTS or kind in _JUMPS:
        return Verdict(kind, body["target"] if body else "")
    if kind in _OPERATORS:
        return _operation(kind, body)
    known = _EXPRESSIONS.get(kind)
    return known(body) if known else Opaque(_text(raw))


def elements(raw: Any) -> Members | Pairs:
    """What a set or map holds; the elements of a map are pairs."""
    listed = [raw] if not isinstance(raw, list) else raw
    if listed and all(isinstance(entry, list) and len(entry) == 2 for entry in listed):
        return Pairs(tuple((expression(key), expression(value)) for key, value in listed))
    return Members(tuple(map(expression, listed)))


def _operation(kind: str, operands: Any) -> Expression:
    first, *others = map(expression, operands)
    for other in others:
        first = Operation(kind, first, other)
    return first


def _payload(body: Any) -> Expression:
    return Payload(body["protocol"], body["field"]) if "field" in body else Opaque(_text({"payload": body}))


def _numgen(body: Any) -> Expression:
    return Numgen(body["mode"], int(body["mod"]), int(body.get("offset") or 0))


def _map(body: Any) -> Expression:
    return Lookup(expression(body["key"]), _data(body["data"]))


def _data(raw: Any) -> Expression:
    """The `{"set": [...]}` of a map, or the name of one."""
    return elements(raw["set"]) if isinstance(raw, Mapping) and "set" in raw else expression(raw)


def _strings(raw: Any) -> tuple[str, ...]:
    return () if raw is None else (raw,) if isinstance(raw, str) else tuple(raw)


_EXPRESSIONS: Mapping[str, Callable[[Any], Expression]] = {
    "payload": _payload,
    "meta": lambda body: Meta(body["key"]),
    "ct": lambda body: Ct(body["key"], body.get("dir", "")),
    "fib": lambda body: Fib(body["result"], _strings(body.get("flags"))),
    "numgen": _numgen,
    "concat": lambda body: Concat(tuple(map(expression, body))),
    "map": _map,
    "prefix": lambda body: Prefix(body["addr"], int(body["len"])),
    "range": lambda body: Range(expression(body[0]), expression(body[1])),
    "set": elements,
    "elem": lambda body: expression(body["val"]),
}


def _translate(kind: str, body: Mapping[str, Any]) -> Statement:
    address, port = (expression(body[name]) if name in body else None for name in ("addr", "port"))
    known = set(body) <= {"addr", "port", "flags", "family"} and "prefix" not in _strings(body.get("type_flags"))
    return Translate(kind, address, port, _strings(body.get("flags"))) if known else Plain(kind, _text(body))


def _update(body: Any) -> Statement:
    limited = bool(body.get("stmt"))
    return Update(body["op"], str(body["set"]).removeprefix("@"), expression(body["elem"]), limited)


_STATEMENTS: Mapping[str, Callable[[Any], Statement]] = {
    "match": lambda body: Match(body.get("op", "=="), expression(body["left"]), expression(body["right"])),
    "vmap": lambda body: VerdictMap(expression(body["key"]), _data(body["data"])),
    "mangle": lambda body: Mangle(expression(body["key"]), expression(body["value"])),
    "reject": lambda body: Reject((body or {}).get("type", "")),
    "set": _update,
}


def _text(body: Any) -> str:
    return "" if body is None else json.dumps(body)
