"""The lab's own cgroup folders: one per hierarchy on version 1, one with a leaf for processes on version 2.

Everything the lab starts lives in them, so they also tell what is left of a lab whose state is lost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.errors import UsageError

ROOT = "k8snet-lab"
LEAF = "init"
NEEDED = ("cpu", "cpuset", "memory", "pids")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted cgroup hierarchy: its mount point, the mount option that selects it, and its version."""

    path: Path
    option: str
    version: int


def _parse(line: str) -> Hierarchy | None:
    left, _, right = line.partition(" - ")
    path, (kind, _, options) = Path(left.split()[4]), right.split(maxsplit=2)
    if kind == "cgroup2":
        return Hierarchy(path, "", 2)
    if kind != "cgroup":
        return None
    names = [word for word in options.strip().split(",") if word not in {"rw", "ro", "xattr", "clone_children"}]
    names = [word for word in names if not word.startswith("release_agent")]
    return Hierarchy(path, ",".join(names), 1)


def hierarchies(mountinfo: str | None = None) -> list[Hierarchy]:
    """The hierarchies to use: all of version 1 if memory is there, else the unified one.

    Args:
        mountinfo: text as in /proc/self/mountinfo (proc(5)); read from there by default.
    """
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    found = {one.path: one for one in map(_parse, text.splitlines()) if one}
    first = [one for one in found.values() if one.version == 1]
    if any("memory" in one.option.split(",") for one in first):
        return first
    return [one for one in found.values() if one.version == 2][:1]


def check() -> None:
    """Raise UsageError naming the first thing that the machine's cgroups lack."""
    mounted = hierarchies()
    if not mounted:
        raise UsageError("no cgroup hierarchy is mounted below /sys/fs/cgroup: mount cgroup v2 there, or the v1 controllers")
    if mounted[0].version == 2:
        have = (mounted[0].path / "cgroup.subtree_control").read_text().split()
        where = mounted[0].path / "cgroup.subtree_control"
    else:
        have = [name for one in mounted for name in one.option.split(",")]
        where = Path("/sys/fs/cgroup")
    missing = [name for name in NEEDED if name not in have]
    if missing and mounted[0].version == 2:
        raise UsageError(f"cgroup controller {missing[0]} is not enabled for children: echo +{missing[0]} > {where}")
    if missing:
        raise UsageError(f"cgroup controller {missing[0]} is missing: the kernel lacks it or nobody mounted it below {where}")


def _folders(name: str) -> list[Path]:
    return [one.path / ROOT / name for one in hierarchies()]


def create(name: str) -> None:
    """Make the folders of one group (a node, or `hosts`) in each hierarchy, ready for processes."""
    for one in hierarchies():
        if one.version == 2:
            _create_unified(one.path / ROOT, name)
            continue
        for folder in (one.path / ROOT, one.path / ROOT / name):
            folder.mkdir(exist_ok=True)
            _inherit_cpuset(folder)


def _inherit_cpuset(folder: Path) -> None:
    for name in ("cpuset.cpus", "cpuset.mems"):  # empty in a new v1 folder, and then nothing can be attached
        target = folder / name
        if target.exists() and not target.read_text().strip():
            target.write_text((folder.parent / name).read_text())


def _create_unified(root: Path, name: str) -> None:
    (root / name / LEAF).mkdir(parents=True, exist_ok=True)
    controllers = (root.parent / "cgroup.subtree_control").read_text().split()
    (root / "cgroup.subtree_control").write_text(" ".join(f"+{one}" for one in controllers))


def entrances(name: str) -> list[Path]:
    """The files into which a process writes its pid to belong to the group."""
    leaf = LEAF if name == "hosts" else ""  # a node's first process moves to its leaf itself, after it has its cgroup namespace
    return [
        (folder / leaf if one.version == 2 else folder) / "cgroup.procs" for one, folder in zip(hierarchies(), _folders(name), strict=True)
    ]


def later_entrances(name: str) -> list[Path]:
    """As `entrances`, for commands started in a node that runs already."""
    return [
        (folder / LEAF if one.version == 2 else folder) / "cgroup.procs" for one, folder in zip(hierarchies(), _folders(name), strict=True)
    ]


def settle(name: str, parent: Callable[[], int | None], timeout: float = 5) -> None:
    """On version 2 move the node's outer process to the leaf too: a folder with children's controllers holds none.

    Args:
        parent: gives its pid once the node's first process has its cgroup namespace.
    """
    end = time.monotonic() + timeout
    for file in set(later_entrances(name)) - set(entrances(name)):
        while (pid := parent()) is None and time.monotonic() < end:
            time.sleep(0.01)
        if pid is not None:
            file.write_text(str(pid))


def enter(files: list[Path]) -> None:
    """Move the calling process into the groups behind these files."""
    for file in files:
        file.write_text(str(os.getpid()))


def _trees() -> list[Path]:
    return [one.path / ROOT for one in hierarchies() if (one.path / ROOT).is_dir()]


def members(below: str = "") -> set[int]:
    """Pids of all processes anywhere below our folders (or below one group's)."""
    found: set[int] = set()
    for tree in _trees():
        for folder, _, files in os.walk(tree / below):
            if "cgroup.procs" in files:
                found.update(_pids(Path(folder, "cgroup.procs")))
    return found - {0}


def _pids(file: Path) -> list[int]:
    try:
        return [int(line) for line in file.read_text().split()]
    except OSError:  # the folder went away, or is a threaded one
        return []


def remove(below: str = "") -> list[Path]:
    """Remove our folders, deepest first; returns those that could not be removed (processes left in them)."""
    left = []
    for tree in _trees():
        for folder, _, _ in os.walk(tree / below, topdown=False):
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                continue
            except OSError:
                left.append(Path(folder))
    return left
