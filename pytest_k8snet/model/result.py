"""A judged item, as it travels from the process that judged it to the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .verdict import Level, Status


@dataclass(frozen=True, slots=True)
class Subject:
    """What was judged: a cell (source, target), a node, or the cluster (all empty)."""

    source: str = ""  # endpoint spelling
    target: str = ""
    node: str = ""
    family: str = ""
    protocol: str = ""  # the action

    def __str__(self) -> str:
        ends = f"{self.source} > {self.target} {self.protocol}".strip() if self.source else self.node
        return ends or "cluster"


@dataclass(frozen=True, slots=True)
class Result:
    """One item's status with the message a person reads and the raw evidence behind it."""

    requirement: str
    level: Level
    basis: str
    status: Status
    subject: Subject
    message: str = ""
    evidence: tuple[Mapping[str, Any], ...] = field(default=())
