"""The lines of a failure text that say what was expected and what was found, cut to the width of a terminal."""

from __future__ import annotations

import re

_DIFFERENCE = re.compile(r"(?P<key>.*?): expected (?P<expected>.*?), found (?P<found>.*)")
_LEAST = {"found": 24, "expected": 16, "key": 12}  # characters kept of each part; what is cut first comes first


def differences(message: str) -> list[str]:
    """The lines after the caption, without their indentation."""
    return [line.strip() for line in message.strip().splitlines()[1:] if line.strip()]


def cut(line: str, room: int) -> str:
    """The line in at most `room` characters; a difference loses its note first, and keeps some of every other part."""
    if len(line) > room and line.endswith(")"):
        line = line.rpartition(" (")[0] or line
    match = _DIFFERENCE.fullmatch(line)
    if len(line) <= room or not match:
        return _clip(line, room)
    parts, over = match.groupdict(), len(line) - room
    for name, least in _LEAST.items():
        short = _clip(parts[name], max(least, len(parts[name]) - max(over, 0)))
        over, parts[name] = over - len(parts[name]) + len(short), short
    return _clip("{key}: expected {expected}, found {found}".format(**parts), room)


def _clip(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 3, 0)].rstrip() + "..."
