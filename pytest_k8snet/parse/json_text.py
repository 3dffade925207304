"""JSON as the tools of a node print it, read with one clear error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .errors import ParseError

Value = TypeVar("Value")


def records(what: str, text: str, build: Callable[[Mapping[str, Any]], Value]) -> tuple[Value, ...]:
    """A JSON list of objects, each built into a value; empty objects (older iproute2 prints them for what it left out) are skipped.

    Raises ParseError when the text is no such list, or `build` misses a key or meets another type.
    """
    listed = value(what, text)
    if not isinstance(listed, list):
        raise ParseError(f"{what}: expected a JSON list", 0, text)
    return tuple(_built(what, entry, build) for entry in listed if entry != {})


def mapping(what: str, text: str) -> Mapping[str, Any]:
    """One JSON object. Raises ParseError."""
    found = value(what, text)
    if not isinstance(found, dict):
        raise ParseError(f"{what}: expected a JSON object", 0, text)
    return found


def value(what: str, text: str) -> Any:
    """Any JSON value. Raises ParseError with the line where it stops making sense."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        shown = (text.splitlines() or [""])[error.lineno - 1 : error.lineno]
        raise ParseError(f"{what}: not JSON ({error.msg})", error.lineno, "".join(shown)) from error
    except RecursionError as error:
        raise ParseError(f"{what}: nested too deep", 0, text) from error


def _built(what: str, entry: Any, build: Callable[[Mapping[str, Any]], Value]) -> Value:
    try:
        return build(entry)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ParseError(f"{what}: an entry is not complete ({error!r})", 0, json.dumps(entry)) from error
