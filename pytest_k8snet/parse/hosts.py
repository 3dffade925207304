"""hosts(5), and the header that a kubelet writes above it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from .errors import ParseError

WHAT = "hosts"
MANAGED = "# Kubernetes-managed hosts file"


@dataclass(frozen=True, slots=True)
class Hosts:
    """`entries` are address and names of every line in their order; `header` is the first line if it is a comment."""

    header: str
    entries: tuple[tuple[str, ...], ...]

    def names(self, address: str) -> tuple[str, ...]:
        """Names of the first line for that address, the canonical one first; none if there is no such line."""
        return next((words[1:] for words in self.entries if words[0] == address), ())


def parse(text: str) -> Hosts:
    """Raises ParseError for a line that is no address with a name."""
    lines = text.split("\n")
    found = [(number, line.partition("#")[0].split()) for number, line in enumerate(lines, 1)]
    header = lines[0].strip() if lines[0].startswith("#") else ""
    return Hosts(header, tuple(_entry(number, words, lines[number - 1]) for number, words in found if words))


def _entry(number: int, words: list[str], line: str) -> tuple[str, ...]:
    try:
        ip_address(words[0].partition("%")[0])
    except ValueError:
        raise ParseError(f"{WHAT}: no address", number, line) from None
    if len(words) < 2:
        raise ParseError(f"{WHAT}: an address without a name", number, line)
    return tuple(words)
