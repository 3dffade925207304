"""Artifacts on disk, each in a folder named after a digest of everything it is made of."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.artifacts.command import full_disk
from lab.progress import Step


def digest(inputs: Iterable[str | bytes]) -> str:
    """Sixteen hex digits that change exactly when an input, their number or their order changes."""
    total = hashlib.sha256()
    for item in inputs:
        data = item.encode() if isinstance(item, str) else item
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:16]


def digest_files(paths: Iterable[Path], root: Path) -> str:
    """Digest of files: their names below `root` and their content."""
    return digest(part for path in sorted(paths) for part in (path.relative_to(root).as_posix(), path.read_bytes()))


@dataclass(frozen=True, slots=True)
class Component:
    """One artifact: `build` fills an empty folder; `key` says what it is made of."""

    name: str
    title: str
    key: str
    build: Callable[[Path, Step], None]


class Cache:
    """Folders ROOT/artifacts/NAME-KEY; a folder that is there is complete."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.artifacts = root / "artifacts"
        self.logs = root / "logs"

    def folder(self, component: Component) -> Path:
        return self.artifacts / f"{component.name}-{component.key}"

    def has(self, component: Component) -> bool:
        return self.folder(component).is_dir()

    def build(self, component: Component, step: Step) -> Path:
        """Build into a sibling and rename it; a build that is killed leaves only a sibling, removed by the next one."""
        try:
            return self._build(component, step)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise full_disk(component.title, self.root) from error
            raise

    def _build(self, component: Component, step: Step) -> Path:
        self._sweep()
        work = self.artifacts / f".{component.name}-{component.key}.{os.getpid()}"
        work.mkdir(parents=True)
        try:
            component.build(work, step)
            _publish(work, self.folder(component))
        finally:
            remove_tree(work)
        return self.folder(component)

    def _sweep(self) -> None:
        """Remove what killed builds left; the siblings of builds that still run stay."""
        for work in self.artifacts.glob(".*-*.*"):
            pid = work.name.rpartition(".")[2]
            if pid.isdigit() and not Path("/proc", pid).exists():
                remove_tree(work)


def _publish(work: Path, folder: Path) -> None:
    try:
        work.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # another run was faster: its folder is as good
            raise


def remove_tree(folder: Path) -> None:
    """Remove a folder if it is there; whatever cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)
