"""A run on a faulted lab against the healthy run: what had to change, what may, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from lab.injection.drawing import Parts
from lab.injection.fault import Expected, Fault
from lab.injection.placeholder import expand_all
from lab.injection.report import Cell, Judged, Results

FIRST_LINE = 160  # characters of a cell's message that a difference shows


@dataclass(slots=True)
class Comparison:
    """Lines of what went wrong (`missed`, `unexpected`), and of what was right (`seen`, `consequences`)."""

    missed: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    consequences: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """True if the suite said all that it must and nothing that it must not."""
        return not self.missed and not self.unexpected


class Pattern:
    """An expectation with its placeholders filled in."""

    def __init__(self, expected: Expected, values: Parts) -> None:
        self.expected = expected
        self.applies = not expected.role or expected.role == values["role"]
        names = ("requirement", "source", "target", "node", "protocol")
        self.globs = {name: expand_all(getattr(expected, name), values) for name in names}

    def matches(self, cell: Cell) -> bool:
        """True if the cell is meant."""
        fits = all(_any(getattr(cell, name), globs) for name, globs in self.globs.items())
        return self.applies and fits and self.expected.where in ("", _where(cell))

    def __str__(self) -> str:
        return " ".join(f"{name} {','.join(globs)}" for name, globs in self.globs.items() if globs)


def _where(cell: Cell) -> str:
    """Where the target is, seen from the source; empty if one of them is on no node."""
    nodes = [end.partition("@")[2] for end in (cell.source, cell.target)]
    if not all(nodes):
        return ""
    return "same-node" if nodes[0] == nodes[1] else "other-node"


def _any(text: str, globs: Collection[str]) -> bool:
    return not globs or any(fnmatchcase(text, one) for one in globs)


def compare(fault: Fault, values: Parts, healthy: Results, faulted: Results, reach: Mapping[str, Collection[str]]) -> Comparison:
    """Hold a faulted run against the healthy one.

    Args:
        reach: for a requirement about a property of a conversation, the requirements that demand the conversation.
    """
    must = [Pattern(one, values) for one in fault.must]
    may = [Pattern(one, values) for one in fault.may]
    found = Comparison()
    found.missed += [f"no cell is like {one}" for one in must if one.applies and not any(map(one.matches, healthy))]
    for cell in sorted({*healthy, *faulted}):
        _judge(cell, healthy.get(cell), faulted.get(cell), must, may, _unreached(cell, faulted, reach), found)
    return found


def _judge(
    cell: Cell, before: Judged | None, after: Judged | None, must: Iterable[Pattern], may: Iterable[Pattern],
    unreached: bool, found: Comparison,
) -> None:  # fmt: skip
    line = f"{cell}: {_status(before)} -> {_status(after)}"
    wanted = {one.expected.status for one in must if one.matches(cell)}
    if wanted:
        (found.seen if {_status(after)} == wanted else found.missed).append(line + _why(wanted, after))
    elif _status(before) != _status(after):
        allowed = any(one.matches(cell) for one in may) or (unreached and _status(after) == "inconclusive")
        (found.consequences if allowed else found.unexpected).append(line + _first_line(after))


def _why(wanted: set[str], after: Judged | None) -> str:
    return "" if {_status(after)} == wanted else f", must be {' and '.join(sorted(wanted))}{_first_line(after)}"


def _first_line(judged: Judged | None) -> str:
    text = " | ".join(judged.message.split("\n")) if judged else ""
    return f": {text[:FIRST_LINE]}" if text else ""


def _status(judged: Judged | None) -> str:
    return judged.status if judged else "absent"


def _unreached(cell: Cell, faulted: Results, reach: Mapping[str, Collection[str]]) -> bool:
    """True if the conversation of which this cell judges a property did not pass: then nothing is known of the property.

    The property may be that of another pod of the same node: the way from node to node is one.
    """
    demanding = reach.get(cell.requirement, ())
    return any(
        judged.status != "passed"
        for other, judged in faulted.items()
        if other.requirement in demanding and (_node(other.source), other.target) == (_node(cell.source), cell.target)
    )


def _node(end: str) -> str:
    """The node of an endpoint; the endpoint itself where it is on none."""
    return end.partition("@")[2] or end


def differences(first: Results, second: Results) -> list[str]:
    """Cells whose status differs between two runs."""
    cells = sorted({*first, *second})
    pairs = ((cell, first.get(cell), second.get(cell)) for cell in cells)
    return [f"{c}: {_status(a)} -> {_status(b)}{_first_line(b)}" for c, a, b in pairs if _status(a) != _status(b)]
