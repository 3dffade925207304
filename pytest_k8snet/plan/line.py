"""One line of matrix.yaml, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.endpoint import EndpointKind
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Action
from pytest_k8snet.model.verdict import Level

from .applies import parse
from .cellplan import Documented

FAMILIES = ("each", "first", "ipv4", "ipv6")
WHERE = ("same-node", "other-node", "any-node", "self", "cluster", "pair", "next-node")
ADDRESS_KINDS = ("client", "node", "tunnel", "bridge", "receiver")
HOPS = ("bridge", "tunnel", "target")
_CONTROLS = ("", "from-host", "to-host", "any-host")
_SERVERS = ("", "backends", "among", "source", "remote")
_NAMED = ("", "target", "kubernetes")
_UNTIL = ("", "backends", "remote")
_ARRIVES = ("", "dialled")
_REQUIRED = {"requirement", "plane", "from", "to", "actions", "documented", "by"}
_OPTIONAL = {
    "where",
    "outcomes",
    "seen",
    "ttl",
    "servers",
    "within",
    "reach",
    "control",
    "level",
    "applies",
    "samples",
    "until",
    "families",
    "arrives",
    "hops",
    "named",
}


@dataclass(frozen=True, slots=True)
class Line:
    """`sources` and `targets` are spelled `kind[/name]` without a node; `actions` are (action, detail)."""

    requirement: str
    plane: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    where: str
    actions: tuple[tuple[Action, str], ...]
    documented: Documented
    reach: str = ""
    control: str = ""
    level: Level | None = None
    applies: str = "any"
    samples: int = 3
    until: str = ""
    families: str = "each"


def parse_line(row: Any, number: int) -> Line:
    """Raises UsageProblem that names the line by number and requirement, and what is wrong with it."""
    try:
        return _parse(row)
    except (ValueError, TypeError, KeyError) as error:
        name = row.get("requirement", "?") if isinstance(row, Mapping) else "?"
        raise UsageProblem(f"matrix.yaml, line {number} of `lines` ({name}): {_plain(error)}") from error


def _parse(row: Mapping[str, Any]) -> Line:
    if missing := _REQUIRED - set(row):
        raise ValueError(f"lacks {', '.join(sorted(missing))}")
    if unknown := set(row) - _REQUIRED - _OPTIONAL:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    parse(row.get("applies", "any"))
    return Line(
        row["requirement"], row["plane"], _ends(row["from"]), _ends(row["to"]), _one_of(WHERE, row.get("where", "cluster")),
        tuple(_action(text) for text in _strings(row["actions"])), _documented(row), row.get("reach", ""),
        _one_of(_CONTROLS, row.get("control", "")), Level(row["level"]) if "level" in row else None, row.get("applies", "any"),
        int(row.get("samples", 3)), _one_of(_UNTIL, row.get("until", "")), _one_of(FAMILIES, row.get("families", "each")),
    )  # fmt: skip


def _documented(row: Mapping[str, Any]) -> Documented:
    return Documented(
        row["documented"],
        frozenset(_outcome(text) for text in _strings(row.get("outcomes", ["reached"]))),
        tuple(_one_of(ADDRESS_KINDS, text) for text in _strings(row.get("seen", []))),
        None if "ttl" not in row else int(row["ttl"]),
        _one_of(_SERVERS, row.get("servers", "")),
        None if "within" not in row else float(row["within"]),
        row["by"],
        _one_of(_ARRIVES, row.get("arrives", "")) == "dialled",
        row.get("where") == "pair",
        tuple(_one_of(HOPS, text) for text in _strings(row.get("hops", []))),
        _one_of(_NAMED, row.get("named", "")),
    )


def _outcome(text: str) -> Outcome:
    outcome = Outcome(text)
    if outcome in (Outcome.FLAKY, Outcome.PROBE_ERROR):
        raise ValueError(f"{text} can never be documented")
    return outcome


def _ends(value: Any) -> tuple[str, ...]:
    ends = _strings(value)
    for end in ends:
        EndpointKind(end.partition("/")[0])
    return ends


def _action(text: str) -> tuple[Action, str]:
    action, _, detail = text.partition("+")
    return Action(action), detail


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{value!r} is not a list of words")
    return tuple(value)


def _one_of(known: tuple[str, ...], text: str) -> str:
    if text not in known:
        raise ValueError(f"{text!r} is none of {', '.join(filter(None, known))}")
    return text


def _plain(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else "not a mapping of the documented keys"
