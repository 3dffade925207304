"""Counters of the kernel: /proc/net/netstat (names in one line, values in the next) and /proc/net/stat/nf_conntrack (a line per CPU)."""

from __future__ import annotations

from .errors import ParseError


def netstat(text: str) -> dict[str, int]:
    """ "TcpExt.IPReversePathFilter" -> value. Raises ParseError."""
    lines = text.splitlines()
    found: dict[str, int] = {}
    if len(lines) % 2:
        raise ParseError("netstat: a line of names lacks its line of values", len(lines), lines[-1])
    for number in range(0, len(lines), 2):
        group, _, names = lines[number].partition(":")
        same, _, values = lines[number + 1].partition(":")
        if group != same or len(names.split()) != len(values.split()):
            raise ParseError("netstat: a line of names needs a line with as many values", number + 1, lines[number])
        try:
            found |= {f"{group}.{name}": int(value) for name, value in zip(names.split(), values.split(), strict=True)}
        except ValueError:
            raise ParseError("netstat: a value is no number", number + 2, lines[number + 1]) from None
    return found


def conntrack(text: str) -> dict[str, int]:
    """Column -> sum over all CPUs; the values are hexadecimal. `entries` is the same on every line. Raises ParseError."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        raise ParseError("nf_conntrack statistics: a line of names and one line for every CPU are wanted", 1, text)
    names, found = lines[0], dict.fromkeys(lines[0], 0)
    for number, values in enumerate(lines[1:], 2):
        if len(values) != len(names):
            raise ParseError("nf_conntrack statistics: other columns than names", number, " ".join(values))
        for name, value in zip(names, values, strict=True):
            try:
                found[name] += int(value, 16)
            except ValueError:
                raise ParseError("nf_conntrack statistics: a value is no hexadecimal number", number, value) from None
    return found
