"""A fault as data: `lab/faults/*.yaml`, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from typing import Any

import yaml

from lab.errors import UsageError

ROLES = ("worker", "control")
PLACES = ("same-node", "other-node")
STATUSES = ("failed", "warning", "inconclusive", "passed", "skipped")


@dataclass(frozen=True, slots=True)
class Step:
    """A command (inside nodes, or kubectl) and what its output must become.

    With `prints`, `lacks` or `same_as` the command is repeated until its output matches that pattern, does not, or
    equals what was kept under that name: at most `within` seconds.
    """

    run: tuple[str, ...] = ()
    kubectl: tuple[str, ...] = ()
    node: str = ""
    text: str = ""
    keep: str = ""
    prints: str = ""
    lacks: str = ""
    same_as: str = ""
    within: float = 60

    @property
    def is_check(self) -> bool:
        """True if the step only waits."""
        return bool(self.prints or self.lacks or self.same_as)


@dataclass(frozen=True, slots=True)
class Expected:
    """Cells (glob patterns, any of each list; an empty list matches all) and the status they must have.

    `where`: same-node or other-node, for where source and target are; `role`: counts only if a node of that role was struck.
    """

    requirement: tuple[str, ...]
    status: str = ""
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    protocol: tuple[str, ...] = ()
    role: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class NamedCause:
    """The cause that the report must name first; `node` and `peer` may hold placeholders."""

    id: str
    node: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to the lab, how one sees that it is done and undone, and what the suite must say."""

    id: str
    title: str
    flavour: Mapping[str, object]
    roles: tuple[str, ...]
    draw: Mapping[str, Any]
    inject: tuple[Step, ...]
    effective: tuple[Step, ...]
    undo: tuple[Step, ...]
    healed: tuple[Step, ...]
    must: tuple[Expected, ...]
    may: tuple[Expected, ...]
    cause: NamedCause
    note: str = field(default="")


STEP_KEYS = {"run", "kubectl", "node", "text", "keep", "prints", "lacks", "same-as", "within"}
CAUSE_KEYS = {"id", "node", "peer"}
CELL_KEYS = {"requirement", "status", "source", "target", "node", "protocol", "role", "where"}
KEYS = {"id", "title", "like", "flavour", "roles", "draw", "note", "inject", "effective", "undo", "healed", "must", "may", "cause"}


BLOCKS = "blocks.yaml"
ORDERED = ("inject", "effective", "healed")


def catalogue() -> dict[str, Fault]:
    """All faults by id."""
    folder = resources.files("lab") / "faults"
    texts = {one.name: one.read_text() for one in folder.iterdir() if one.name.endswith(".yaml")}
    return parse(texts)


def parse(texts: Mapping[str, str]) -> dict[str, Fault]:
    """All faults by id, from the texts of the files by name; UsageError naming the file and what is wrong in it."""
    raw = {name: _mapping(yaml.safe_load(text), name) for name, text in sorted(texts.items())}
    blocks = raw.pop(BLOCKS, {})
    for name, one in raw.items():
        _check_keys(one, KEYS, name)
        if name != f"{one.get('id')}.yaml" or not re.fullmatch(r"FLT-\d{3}(-[a-z0-9]+)*", str(one["id"])):
            raise UsageError(f"{name}: its id is {one.get('id')!r}; file and id have the same name, as FLT-001.yaml")
    made = [_fault(_whole(one, raw, blocks, (name,)), name) for name, one in raw.items()]
    return {one.id: one for one in sorted(made, key=lambda one: one.id)}


def _whole(raw: dict[str, Any], others: Mapping[str, dict[str, Any]], blocks: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    """A fault that is like another one does the other's steps first and undoes them last."""
    own = {**raw, **{key: _spliced(raw.get(key, []), blocks, seen[0]) for key in (*ORDERED, "undo", "may")}}
    if "like" not in raw:
        return own
    file = f"{raw['like']}.yaml"
    if file not in others or file in seen:
        raise UsageError(f"{seen[0]}: like {raw['like']}: there is no such fault, or it is like this one")
    base = _whole(others[file], others, blocks, (*seen, file))
    merged = {key: {**base.get(key, {}), **raw.get(key, {})} for key in ("flavour", "draw")}
    merged |= {key: base[key] + own[key] for key in ORDERED} | {"undo": own["undo"] + base["undo"]}
    return {"roles": base.get("roles", ROLES), **own, **merged}


def _spliced(entries: list[Any], blocks: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Steps or cells, with each word replaced by the block of that name in blocks.yaml."""
    if unknown := [one for one in entries if isinstance(one, str) and one not in blocks]:
        raise UsageError(f"{name}: {unknown[0]}: there is no such block in {BLOCKS}")
    return [entry for one in entries for entry in (blocks[one] if isinstance(one, str) else [one])]


def named(faults: Mapping[str, Fault], wanted: str) -> Fault:
    """The fault with this id; UsageError with the nearest ids."""
    if wanted not in faults:
        near = get_close_matches(wanted.upper(), faults, 3) or list(faults)
        raise UsageError(f"no fault {wanted}: did you mean {', '.join(near)}? (`python -m lab fault list` names all)")
    return faults[wanted]


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{name}: not a mapping")
    return value


def _fault(raw: dict[str, Any], name: str) -> Fault:
    try:
        return _made(raw, name)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{name}: {type(error).__name__}: {error}") from error


def _made(raw: dict[str, Any], name: str) -> Fault:
    steps = {key: tuple(_step(one, name) for one in raw[key]) for key in (*ORDERED, "undo")}
    roles = tuple(raw.get("roles", ROLES))
    if not roles or not set(roles) <= set(ROLES):
        raise UsageError(f"{name}: roles are {' and '.join(ROLES)}, not {list(roles)}")
    return Fault(
        raw["id"], raw["title"], raw.get("flavour", {}), roles, raw.get("draw", {}), **steps,
        must=tuple(_expected(one, name, needs_status=True) for one in raw["must"]),
        may=tuple(_expected(one, name, needs_status=False) for one in raw.get("may", [])),
        cause=_cause(raw["cause"], name),
        note=" ".join(raw.get("note", "").split()),
    )  # fmt: skip


def _step(raw: dict[str, Any], name: str) -> Step:
    _check_keys(raw, STEP_KEYS, f"{name}: step {raw}")
    _words([raw[key] for key in ("node", "text", "keep", "prints", "lacks", "same-as") if key in raw])
    step = Step(
        run=_words(raw.get("run", [])), kubectl=_words(raw.get("kubectl", [])), node=raw.get("node", ""),
        text=raw.get("text", ""), keep=raw.get("keep", ""), prints=raw.get("prints", ""), lacks=raw.get("lacks", ""),
        same_as=raw.get("same-as", ""), within=float(raw.get("within", 60)),
    )  # fmt: skip
    if bool(step.run) == bool(step.kubectl) or bool(step.run) != bool(step.node):
        raise UsageError(f"{name}: step {raw}: needs either run and node, or kubectl")
    return step


def _expected(raw: dict[str, Any], name: str, *, needs_status: bool) -> Expected:
    _check_keys(raw, CELL_KEYS, f"{name}: {raw}")
    status, role = raw.get("status", ""), raw.get("role", "")
    if needs_status != bool(status) or (status and status not in STATUSES) or (role and role not in ROLES):
        raise UsageError(f"{name}: {raw}: each `must` has one status of {', '.join(STATUSES)}, no `may` has one")
    if (where := raw.get("where", "")) and where not in PLACES:
        raise UsageError(f"{name}: {raw}: where is {' or '.join(PLACES)}")
    if status == "inconclusive":
        raise UsageError(f"{name}: {raw}: what is inconclusive is not seen: it belongs to `may`")
    lists = {key: _words(raw.get(key, [])) for key in ("requirement", "source", "target", "node", "protocol")}
    return Expected(status=status, role=role, where=where, **lists)


def _cause(raw: dict[str, str], name: str) -> NamedCause:
    _check_keys(raw, CAUSE_KEYS, f"{name}: cause {raw}")
    _words(list(raw.values()))
    return NamedCause(**raw)


def _words(value: Any) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else tuple(value)
    if wrong := [one for one in words if not isinstance(one, str)]:
        raise ValueError(f"{wrong[0]!r} is no text: put it in quotes")  # as YAML reads on, no and 53
    return words


def _check_keys(raw: dict[str, Any], allowed: set[str], what: str) -> None:
    if unknown := sorted(set(raw) - allowed):
        raise UsageError(f"{what}: unknown {', '.join(unknown)}; there are {', '.join(sorted(allowed))}")
