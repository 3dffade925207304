"""Failing cells of one matrix in as few words as possible: one dead node is one group, never 2 N lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Position = tuple[str, str]  # (row, column)


@dataclass(frozen=True, slots=True)
class Group:
    """Failing cells that belong together, and the words for where they are."""

    where: str
    cells: frozenset[Position]


def groups(asked: Iterable[Position], failing: Iterable[Position]) -> tuple[Group, ...]:
    """Cover the failing cells by the whole plane, rows and columns, rows, columns, pairs and single cells, in that order.

    `asked` are all cells of the plane that were judged: a row counts as failing only if every asked cell of it fails.
    """
    plane, left = frozenset(asked), frozenset(failing)
    if not left:
        return ()
    if left == plane and len(plane) > 1:
        return (Group("every cell", left),)
    found = []
    for candidate in _candidates(plane, left):
        if candidate.cells & left and (len(candidate.cells) > 1):
            found.append(Group(candidate.where, candidate.cells & left))
            left -= candidate.cells
    return (*found, *_remaining(left))


def _candidates(plane: frozenset[Position], failing: frozenset[Position]) -> list[Group]:
    """Lines of which every asked cell fails, the most telling first."""
    rows, columns = sorted({row for row, _ in failing}), sorted({column for _, column in failing})
    crosses = [Group(f"row and column {n}", frozenset(c for c in plane if n in c)) for n in rows if n in columns and _both(plane, n)]
    lines = [Group(f"row {n}", frozenset(c for c in plane if c[0] == n)) for n in rows]
    lines += [Group(f"column {n}", frozenset(c for c in plane if c[1] == n)) for n in columns]
    lines.sort(key=lambda line: -len(line.cells))
    return [group for group in (*crosses, *lines) if group.cells <= failing]


def _both(plane: frozenset[Position], name: str) -> bool:
    """Whether the plane holds cells from and to `name` beside its own diagonal."""
    return any(row == name != column for row, column in plane) and any(row != name == column for row, column in plane)


def _remaining(cells: frozenset[Position]) -> list[Group]:
    found = []
    for row, column in sorted(cells):
        back = (column, row)
        if back in cells and row < column:
            found.append(Group(f"pair {row} - {column}", frozenset({(row, column), back})))
        elif back not in cells or row == column:
            found.append(Group(f"{row} to {column}", frozenset({(row, column)})))
    return found
