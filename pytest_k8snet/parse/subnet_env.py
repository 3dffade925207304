"""/run/flannel/subnet.env: lines of KEY=value that flannel writes for its CNI plugin."""

from __future__ import annotations

from .errors import ParseError


def parse(text: str) -> dict[str, str]:
    """Key -> value, unquoted. Raises ParseError for a line that is no assignment, or a key that stands there twice."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, equals, value = stripped.partition("=")
        if not equals or not key.isidentifier() or key in found:
            raise ParseError("subnet.env: expected KEY=value, each key once", number, line)
        found[key] = value.strip("\"'")
    return found
