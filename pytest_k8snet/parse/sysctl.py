"""Values of kernel parameters as /proc/sys or `sysctl -n` shows them."""

from __future__ import annotations

from .errors import ParseError


def integer(name: str, text: str) -> int:
    """A parameter with one number. Raises ParseError."""
    return integers(name, text, 1)[0]


def integers(name: str, text: str, count: int) -> tuple[int, ...]:
    """A parameter with `count` numbers, such as net.ipv4.ip_local_port_range. Raises ParseError."""
    words = text.split()
    if len(words) != count or not all(word.lstrip("-").isdigit() for word in words):
        raise ParseError(f"sysctl {name}: expected {count} number{'s' * (count != 1)}", 0, text)
    return tuple(int(word) for word in words)
