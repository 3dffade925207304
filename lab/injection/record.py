"""Which faults are on the lab, with all that undoing them needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab import state
from lab.errors import LabError
from lab.injection.drawing import Parts
from lab.injection.steps import Kept
from lab.state import Places


@dataclass(slots=True)
class Injected:
    """A fault on the lab: its seed, the values of its placeholders, what its steps kept; `complete` once it shows."""

    id: str
    seed: int
    values: Parts
    kept: Kept = field(default_factory=dict)
    complete: bool = False


def load(where: Places) -> dict[str, Injected]:
    """The faults on the lab, by id. LabError if the file cannot be read."""
    path = _file(where)
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text())
        return {one["id"]: Injected(**{**one, "values": _parts(one["values"])}) for one in entries}
    except (ValueError, TypeError, KeyError) as error:
        raise LabError(f"{path} is damaged ({error}): `python -m lab down` and `up` give a lab without faults") from error


def save(where: Places, faults: dict[str, Injected]) -> None:
    """Write them down, beside the disks: a fault in the cluster's objects outlives a restart of the lab."""
    if not faults:
        _file(where).unlink(missing_ok=True)
        return
    state.write_atomically(_file(where), json.dumps([asdict(one) for one in faults.values()], indent=1))


def _file(where: Places) -> Path:
    return where.disks / "faults.json"


def _parts(values: dict[str, str | list[str]]) -> Parts:
    return {name: value if isinstance(value, str) else tuple(value) for name, value in values.items()}
