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
    rows, columns = _lines(plane, 0), _lines(plane, 1)
    starts, ends = sorted({row for row, _ in failing}), sorted({column for _, column in failing})
    crosses = [Group(f"row and column {n}", rows[n] | columns[n]) for n in starts if n in ends and _both(rows[n], columns[n])]
    lines = [Group(f"row {n}", rows[n]) for n in starts] + [Group(f"column {n}", columns[n]) for n in ends]
    lines.sort(key=lambda line: -len(line.cells))
    return [group for group in (*crosses, *lines) if group.cells <= failing]


def _lines(plane: frozenset[Position], axis: int) -> dict[str, frozenset[Position]]:
    """The cells of each row (axis 0) or column (axis 1)."""
    found: dict[str, set[Position]] = {}
    for cell in plane:
        found.setdefault(cell[axis], set()).add(cell)
    return {name: frozenset(cells) for name, cells in found.items()}


def _both(row: frozenset[Position], column: frozenset[Position]) -> bool:
    """Whether there are cells from and to a node beside its own diagonal."""
    return bool(row - column) and bool(column - row)


def _remaining(cells: frozenset[Position]) -> list[Group]:
    found = []
    for row, column in sorted(cells):
        back = (column, row)
        if back in cells and row < column:
            found.append(Group(f"pair {row} - {column}", frozenset({(row, column), back})))
        elif back not in cells or row == column:
            found.append(Group(f"{row} to {column}", frozenset({(row, column)})))
    return found
