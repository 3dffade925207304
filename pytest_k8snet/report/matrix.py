"""Results of cells as matrices: one per plane, protocol and family; rows are sources, columns are targets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import Status, worst

Position = tuple[str, str]  # (row, column)

LEGEND = {
    ".": "as documented",
    "x": "no answer",
    "r": "refused",
    "u": "unreachable",
    "p": "prohibited",
    "b": "packet too big",
    "c": "reset",
    "w": "wrong peer",
    "t": "TLS error",
    "d": "damaged data",
    "n": "name error",
    "N": "name server failure",
    "T": "truncated",
    "f": "flaky",
    "s": "wrong source",
    "!": "reached, not as documented",
    "?": "not observed",
}
_LETTERS = {
    "timeout": "x",
    "refused": "r",
    "host-unreachable": "u",
    "net-unreachable": "u",
    "prohibited": "p",
    "too-big": "b",
    "reset": "c",
    "wrong-peer": "w",
    "tls-error": "t",
    "damaged": "d",
    "name-error": "n",
    "name-failure": "N",
    "truncated": "T",
    "flaky": "f",
    "probe-error": "?",
}


@dataclass(slots=True)
class Plane:
    """Cells of one plane, one protocol, one family."""

    title: str  # "pod to pod, other node", or the two roles where the matrix gives no heading
    protocol: str
    family: str
    cells: dict[Position, list[Result]] = field(default_factory=dict)

    def status(self, position: Position) -> Status:
        """Worst status of the requirements that judge this cell."""
        return worst(result.status for result in self.cells[position])

    def letter(self, position: Position) -> str:
        """One character for the cell, see LEGEND; " " if it was not judged at all."""
        if position not in self.cells:
            return " "
        status = self.status(position)
        return letter(next(result for result in self.cells[position] if result.status is status))

    @property
    def rows(self) -> list[str]:
        """Names of the sources, sorted."""
        return sorted({row for row, _ in self.cells})

    @property
    def columns(self) -> list[str]:
        """Names of the targets, sorted."""
        return sorted({column for _, column in self.cells})

    @property
    def requirements(self) -> list[str]:
        """Ids of the requirements that judge cells of this plane, sorted."""
        return sorted({result.requirement for results in self.cells.values() for result in results})


def planes(results: Iterable[Result]) -> list[Plane]:
    """Every plane that has a result about a cell, in the order of their results."""
    found: dict[tuple[str, str, str], Plane] = {}
    for result in results:
        if result.subject.source and result.subject.target:
            key = (_heading(result), result.subject.protocol, result.subject.family)
            plane = found.setdefault(key, Plane(*key))
            plane.cells.setdefault((_label(result.subject.source), _label(result.subject.target)), []).append(result)
    return list(found.values())


def letter(result: Result) -> str:
    """The character of one result."""
    if result.status in (Status.PASSED, Status.SKIPPED):
        return "." if result.status is Status.PASSED else " "
    if result.status is Status.INCONCLUSIVE:
        return "?"
    known = _LETTERS.get(outcome(result))
    if known:
        return known
    return "s" if result.requirement.startswith(("NET-NAT-", "NET-EXTERNAL-")) else "!"


def outcome(result: Result) -> str:
    """What the probe of a cell saw, "" if nothing is recorded."""
    return next((str(entry["outcome"]) for entry in result.evidence if "outcome" in entry), "")


def as_dict(plane: Plane) -> dict[str, Any]:
    """The plane in the report's shape, every cell of it."""
    return {
        "plane": plane.title,
        "protocol": plane.protocol,
        "family": plane.family,
        "requirements": plane.requirements,
        "rows": plane.rows,
        "columns": plane.columns,
        "cells": [_cell(plane, position) for position in sorted(plane.cells)],
    }


def _cell(plane: Plane, position: Position) -> dict[str, Any]:
    results = plane.cells[position]
    seen = next((outcome(result) for result in results if outcome(result)), "")
    return {
        "row": position[0],
        "column": position[1],
        "status": plane.status(position).value,
        "outcome": seen,
        "letter": plane.letter(position),
        "requirements": {result.requirement: result.status.value for result in results},
    }


def _heading(result: Result) -> str:
    """The plane's name as matrix.yaml gives it, else the roles of its two ends."""
    given = next((str(entry["plane"]) for entry in result.evidence if "plane" in entry), "")
    return given or f"{_role(result.subject.source)} to {_role(result.subject.target)}"


def _role(text: str) -> str:
    endpoint = Endpoint.parse(text)
    return str(Endpoint(endpoint.kind, endpoint.name)) if endpoint.node else endpoint.kind.value


def _label(text: str) -> str:
    """A node's endpoint is labelled by its node, any other by itself."""
    return Endpoint.parse(text).node or text
