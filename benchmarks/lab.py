"""Seconds per step of the lab: warm caches, resume, no-op and, with --empty, empty caches (about ten minutes).

Run as root: `python benchmarks/lab.py [--empty]`. It uses folders of its own and needs the lab to be down.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import artifacts, footprint, state, teardown, up
from lab.progress import Progress
from lab.state import Places

GOALS = {"empty caches": 660.0, "warm caches": 45.0, "resume": 15.0, "up again": 3.0}
GO_CACHES = ("GOPATH", "GOMODCACHE", "GOCACHE")


def main() -> int:
    """Measure and print; 1 if a goal is missed."""
    options = _options()
    usual = state.places().cache
    folder = Path(tempfile.mkdtemp(prefix="k8snet-benchmark-", dir=usual if usual.is_dir() else None))
    where = Places(folder / "state", folder)
    try:
        if options.empty:
            missed = _empty(where)
        else:
            artifacts.ensure(usual, Progress())
            (folder / "artifacts").symlink_to(usual / "artifacts")
            missed = _start("warm caches", where)
        return missed + _resume(where) + _start("up again", where) > 0
    finally:
        teardown.everything(where, state.load(where), keep_disks=False)
        _remove(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--empty", action="store_true", help="begin with empty caches, Go's own included")
    return parser.parse_args()


def _empty(where: Places) -> int:
    with _own_go_caches(where.cache):
        return _start("empty caches", where)


@contextmanager
def _own_go_caches(folder: Path) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in GO_CACHES}
    os.environ.update({name: str(folder / "go" / name) for name in GO_CACHES})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _start(title: str, where: Places) -> int:
    progress = Progress(io.StringIO())
    seconds = _seconds(lambda: up.up(where, {}, install=False, progress=progress))
    answers = seconds - progress.timings.get("all pods ready", 0.0)
    print(f"\n{title}: CoreDNS answers after {answers:.1f} s (goal {GOALS[title]:.0f} s), everything ready after {seconds:.1f} s")
    for name, part in progress.timings.items():
        print(f"  {name:<40} {part:7.1f} s")
    if title != "up again":
        print(f"  {'resident memory of all components':<40} {footprint.resident_memory() >> 20:7} MiB (goal 1843)")
    return int(answers > GOALS[title])


def _resume(where: Places) -> int:
    teardown.everything(where, state.load(where), keep_disks=True)
    return _start("resume", where)


def _seconds(work: Callable[[], None]) -> float:
    begin = time.monotonic()
    with redirect_stdout(io.StringIO()):
        work()
    return time.monotonic() - begin


def _remove(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)  # Go makes its module cache read-only
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
