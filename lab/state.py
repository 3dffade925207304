"""Where the lab keeps things, and what it remembers of a running one."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab import flavour as flavours
from lab.errors import UsageError
from lab.flavour import Flavour
from lab.process import Process

STARTING, READY = "starting", "ready"


@dataclass(frozen=True, slots=True)
class Places:
    """Folders and files of the lab: `run` is lost with the machine's memory, `cache` lasts."""

    run: Path
    cache: Path

    @property
    def disks(self) -> Path:
        """Folder of the nodes' disks."""
        return self.cache / "disks"

    def disk(self, node: str) -> Path:
        """Folder with everything that a node writes."""
        return self.disks / node

    @property
    def kubeconfig(self) -> Path:
        """The user's kubeconfig, usable in the runner's namespace."""
        return self.run / "kubeconfig"

    @property
    def admin(self) -> Path:
        """The control-plane node's own admin.conf, seen from outside the node."""
        return self.disk("k8snet-control") / "upper/etc/kubernetes/admin.conf"

    def log(self, name: str) -> Path:
        """Log of a host process of the lab."""
        return self.run / "log" / f"{name}.log"


def places() -> Places:
    """The folders, by K8SNET_LAB_STATE and K8SNET_LAB_CACHE or by default; UsageError if overlayfs cannot name them."""
    run = Path(os.environ.get("K8SNET_LAB_STATE") or "/run/k8snet-lab").absolute()
    cache = Path(os.environ.get("K8SNET_LAB_CACHE") or Path.home() / ".cache/k8snet-lab").absolute()
    for name, path in (("K8SNET_LAB_STATE", run), ("K8SNET_LAB_CACHE", cache)):
        if set(str(path)) & set(":,\\ \"'\n"):
            raise UsageError(f"{path}: overlayfs takes no folder with such characters in its name; set {name} to another folder")
    return Places(run, cache)


@dataclass(slots=True)
class Lab:
    """What is remembered of a lab: its phase, flavour, artifacts and processes by role name."""

    phase: str = STARTING
    flavour: Flavour = field(default_factory=Flavour)
    versions: dict[str, str] = field(default_factory=dict)
    bin: str = ""
    base: str = ""
    probe_image: str = ""
    processes: dict[str, Process] = field(default_factory=dict)

    def process(self, name: str) -> Process:
        """The process of this role; UsageError if the lab has none."""
        if name not in self.processes:
            raise UsageError(f"the lab has no {name}: see `python -m lab status`")
        return self.processes[name]

    def add(self, process: Process) -> Process:
        """Remember a process by its role."""
        self.processes[process.name] = process
        return process


def load(where: Places) -> Lab | None:
    """The remembered lab; None if there is none (or only an unreadable rest of one)."""
    try:
        values = json.loads((where.run / "state.json").read_text())
        return _lab(values)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _lab(values: dict[str, Any]) -> Lab:
    processes = {name: Process(**one) for name, one in values.pop("processes").items()}
    return Lab(processes=processes, flavour=flavours.from_dict(values.pop("flavour")), **values)


def save(where: Places, lab: Lab) -> None:
    """Write down the lab, in one step."""
    write_atomically(where.run / "state.json", json.dumps({**asdict(lab), "flavour": lab.flavour.as_dict()}, indent=1), 0o644)


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old or the new text, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(mode)
    new.replace(path)


@contextmanager
def lock(where: Places) -> Iterator[None]:
    """Hold the lab for a change; UsageError naming the pid of who holds it."""
    where.run.mkdir(parents=True, exist_ok=True)
    with (where.run / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(_held(file.name)) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _held(path: str) -> str:
    holder = Path(path).read_text().strip() or "unknown"
    return f"another `python -m lab` (pid {holder}) is changing the lab: wait for it to end, or end it, then try again"
