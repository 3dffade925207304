"""A directory as the agent lists it: one line with mode and name for each entry."""

from __future__ import annotations

import re

from .errors import ParseError

_LINE = re.compile(r"([?\w-]{10}) (.+)")


def modes(text: str) -> dict[str, str]:
    """Name -> mode as `ls -l` writes it, "??????????" for a link that leads nowhere. Raises ParseError."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.fullmatch(line)
        if match:
            found[match[2]] = match[1]
        elif line:
            raise ParseError("listing: expected a mode and a name", number, line)
    return found
