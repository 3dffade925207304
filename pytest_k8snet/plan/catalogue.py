"""The requirements as data: one YAML file per group."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.requirement import Requirement
from pytest_k8snet.model.verdict import Level

from .applies import parse

BASES = frozenset({"CONFORMANCE", "MODEL", "K8S-DOC", "IMPL", "OS", "SEED"})
CLASSES = frozenset({"passive", "active", "privileged", "disruptive"})
_FIELDS = frozenset({"id", "title", "level", "basis", "applies", "class", "statement", "meaning", "source"})
_ID = re.compile(r"^NET-[A-Z0-9]+-\d{3}$")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where it was built in, is ten times as quick


@dataclass(frozen=True)
class Catalogue(Mapping[str, Requirement]):
    """Id -> requirement, in the order of ids."""

    requirements: Mapping[str, Requirement]

    def __getitem__(self, requirement_id: str) -> Requirement:
        """Raises UsageProblem with the nearest ids for one that is not there."""
        try:
            return self.requirements[requirement_id]
        except KeyError:
            raise UsageProblem(f"no requirement {requirement_id!r} in the catalogue{self._nearest(requirement_id)}") from None

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self.requirements

    def __iter__(self) -> Iterator[str]:
        return iter(self.requirements)

    def __len__(self) -> int:
        return len(self.requirements)

    def matching(self, patterns: Iterable[str]) -> tuple[str, ...]:
        """Ids that equal or match any of the patterns. Raises UsageProblem for a pattern that matches nothing."""
        found: set[str] = set()
        for pattern in patterns:
            ids = fnmatch.filter(self.requirements, pattern.upper())
            if not ids:
                raise UsageProblem(f"no requirement matches {pattern!r}{self._nearest(pattern)}")
            found.update(ids)
        return tuple(sorted(found))

    def _nearest(self, wanted: str) -> str:
        near = difflib.get_close_matches(wanted.upper(), self.requirements, 3, 0.6)
        return f"; nearest: {', '.join(near)}" if near else "; ids look like NET-REACH-005, globs like NET-NAT-*"


def load(folder: Path) -> Catalogue:
    """All `*.yaml` of a folder. Raises UsageProblem naming the file and the entry that is wrong."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.yaml")):
        for entry in read_yaml(path) or ():
            requirement = _requirement(entry, path)
            if requirement.id in found:
                raise UsageProblem(f"{path.name}: {requirement.id} is defined twice")
            found[requirement.id] = requirement
    if not found:
        raise UsageProblem(f"{folder} holds no catalogue: no *.yaml file with requirements")
    return Catalogue(dict(sorted(found.items())))


def read_yaml(path: Path) -> Any:
    """The document in a YAML file. Raises UsageProblem naming the file and the line."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageProblem(f"{path} cannot be read: {' '.join(str(error).split())}") from error


def _requirement(entry: Mapping[str, Any], path: Path) -> Requirement:
    name = entry.get("id", "an entry without id") if isinstance(entry, dict) else f"{entry!r}"
    problem = _problem(entry)
    if problem:
        raise UsageProblem(f"{path.name}: {name}: {problem}")
    fields = {key: str(entry[key]) for key in ("id", "title", "basis", "applies", "statement", "source", "meaning")}
    return Requirement(level=Level(entry["level"]), kind=entry["class"], **fields)


def _problem(entry: Any) -> str:
    """What is wrong with an entry, "" if nothing."""
    if not isinstance(entry, dict):
        return "not a mapping"
    if missing := sorted(_FIELDS ^ set(entry)):
        return f"needs exactly the fields {', '.join(sorted(_FIELDS))}; missing or unknown: {', '.join(map(str, missing))}"
    checks = {
        "id": bool(_ID.match(str(entry["id"]))),
        "level": entry["level"] in list(Level),
        "basis": entry["basis"] in BASES,
        "class": entry["class"] in CLASSES,
    }
    wrong = [f"{key} is {entry[key]!r}" for key, good in checks.items() if not good]
    return ", ".join(wrong) or _condition_problem(str(entry["applies"]))


def _condition_problem(condition: str) -> str:
    try:
        parse(condition)
    except ValueError as error:
        return str(error)
    return ""
