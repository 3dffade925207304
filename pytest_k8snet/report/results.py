"""Results as JSON: in the property of an item, through xdist, and in the report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_k8snet.model.result import Result, Subject
from pytest_k8snet.model.verdict import Level, Status


def as_dict(result: Result) -> dict[str, Any]:
    """The result in the report's shape; empty parts of the subject are left out."""
    return {
        "requirement": result.requirement,
        "level": result.level.value,
        "basis": result.basis,
        "status": result.status.value,
        "subject": subject_as_dict(result.subject),
        "message": result.message,
        "evidence": [dict(entry) for entry in result.evidence],
    }


def subject_as_dict(subject: Subject) -> dict[str, str]:
    """A subject without its empty parts."""
    return {name: getattr(subject, name) for name in Subject.__slots__ if getattr(subject, name)}


def from_dict(raw: Mapping[str, Any]) -> Result:
    """The inverse of `as_dict`."""
    subject, evidence = Subject(**raw["subject"]), tuple(raw["evidence"])
    return Result(raw["requirement"], Level(raw["level"]), raw["basis"], Status(raw["status"]), subject, raw["message"], evidence)


def dumps(results: Iterable[Result]) -> str:
    """One line of JSON for an item's property."""
    return json.dumps([as_dict(result) for result in results], separators=(",", ":"), default=str)


def loads(text: str) -> tuple[Result, ...]:
    """The inverse of `dumps`."""
    return tuple(from_dict(raw) for raw in json.loads(text))
