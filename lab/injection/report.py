"""The cells of a report (a JSON file that `--k8snet-report` wrote) and their statuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One judged item: a requirement and its subject; fields that the subject lacks are empty."""

    requirement: str
    source: str = ""
    target: str = ""
    node: str = ""
    protocol: str = ""
    family: str = ""

    def __str__(self) -> str:
        way = f"{self.source} -> {self.target}" if self.target else self.source or self.node or "cluster"
        return f"{self.requirement} {way}" + (f" ({self.protocol})" if self.protocol else "")


@dataclass(frozen=True, slots=True)
class Judged:
    """Status and message of a cell."""

    status: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a report names as a cause, and where."""

    id: str
    node: str = ""
    peer: str = ""

    def __str__(self) -> str:
        return self.id + (f" on {self.node}" if self.node else "") + (f" towards {self.peer}" if self.peer else "")


Results = Mapping[Cell, Judged]


def read(path: Path) -> dict[Cell, Judged]:
    """The cells of a report file; LabError if it is none or names a cell twice."""
    try:
        return parse(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{path} is no report of pytest-k8snet: {type(error).__name__}: {error}") from error


def causes(path: Path) -> tuple[Cause, ...]:
    """The causes that a report names, first the one that explains most."""
    named = json.loads(path.read_text())["causes"]
    return tuple(Cause(one["cause"], one.get("node", ""), one.get("peer", "")) for one in named)


def parse(report: Mapping[str, Any]) -> dict[Cell, Judged]:
    """The cells of a report; ValueError if it names one twice."""
    cells: dict[Cell, Judged] = {}
    for result in report["results"]:
        cell = Cell(result["requirement"], **result["subject"])
        if cell in cells:
            raise ValueError(f"{cell} is there twice")
        cells[cell] = Judged(result["status"], result["message"])
    return cells
