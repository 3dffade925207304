"""CoreDNS' Corefile: server blocks with zones, each a list of plugins. Syntax: coredns.io manual, section Configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import ParseError

WHAT = "Corefile"
_TOKEN = re.compile(r'#[^\n]*|"(?:[^"\\]|\\.)*"|[{}](?=\s|$)|\n|[^\s"]\S*')


@dataclass(frozen=True, slots=True)
class Plugin:
    """`name args { properties }`; a property is a tuple of words (nested blocks are flattened into further properties)."""

    name: str
    args: tuple[str, ...] = ()
    properties: tuple[tuple[str, ...], ...] = ()

    def property(self, name: str) -> tuple[str, ...] | None:
        """Arguments of the first property of that name."""
        return next((words[1:] for words in self.properties if words[0] == name), None)


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """Zones with optional scheme and port as written (".:53"), and the plugins in the order of the file."""

    keys: tuple[str, ...]
    plugins: tuple[Plugin, ...]

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones without scheme and port."""
        return tuple(re.sub(r":\d+$", "", key.split("://")[-1]) or "." for key in self.keys)

    def plugin(self, name: str) -> Plugin | None:
        """The first plugin of that name."""
        return next((plugin for plugin in self.plugins if plugin.name == name), None)


Word = tuple[int, str]


def parse(text: str) -> tuple[ServerBlock, ...]:
    """All server blocks; snippets `(name) { }` are blocks too. Raises ParseError for braces that do not close or open."""
    lines = _Lines(_lines(text))
    blocks = []
    while lines.left:
        number, words, opens = lines.take()
        while words and words[-1].endswith(",") and not opens:
            number, more, opens = lines.take()
            words = [*words, *more]
        if not opens or not words:
            raise ParseError(f"{WHAT}: expected zones and an opening brace", number, " ".join(words))
        blocks.append(ServerBlock(tuple(word.rstrip(",") for word in words if word != ","), tuple(_plugins(lines, number))))
    return tuple(blocks)


def _plugins(lines: _Lines, start: int) -> Iterator[Plugin]:
    while True:
        number, words, opens = lines.take(start)
        if words == ["}"]:
            return
        if not words or "{" in words or "}" in words:
            raise ParseError(f"{WHAT}: a brace out of place", number, " ".join(words))
        yield Plugin(words[0], tuple(words[1:]), tuple(_properties(lines, number)) if opens else ())


def _properties(lines: _Lines, start: int) -> Iterator[tuple[str, ...]]:
    depth = 1
    while True:
        number, words, opens = lines.take(start)
        if words == ["}"]:
            depth -= 1
            if not depth:
                return
            continue
        if not words or "{" in words or "}" in words:
            raise ParseError(f"{WHAT}: a brace out of place", number, " ".join(words))
        depth += opens
        yield tuple(words)


@dataclass(slots=True)
class _Lines:
    left: list[tuple[int, list[str], bool]]

    def take(self, block: int = 0) -> tuple[int, list[str], bool]:
        if not self.left:
            raise ParseError(f"{WHAT}: the block that opens in line {block} is not closed" if block else f"{WHAT}: ends early")
        return self.left.pop(0)


def _lines(text: str) -> list[tuple[int, list[str], bool]]:
    """Number, words without the brace that opens a block at the end, whether there is one. A closing brace is a line of its own."""
    lines: list[tuple[int, list[str], bool]] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = [found for found in _TOKEN.findall(line) if not found.startswith("#")]
        opens = words[-1:] == ["{"]
        words = [word.strip('"') for word in (words[:-1] if opens else words)]
        lines += [(number, words, opens)] if words or opens else []
    return lines
