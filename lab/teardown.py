"""Taking the lab down: every process, namespace, cgroup and (unless kept) disk, also after a killed `up`."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from lab import cgroup, namespace, process, rootfs
from lab.errors import LabError, UsageError
from lab.node import OWNER
from lab.state import Lab, Places


def processes(where: Places, lab: Lab | None) -> None:
    """End everything that runs in the lab and remove its cgroups; LabError naming what would not go."""
    refuse_foreign(where)
    end_guests(lab)
    for one in reversed(list(lab.processes.values()) if lab else []):
        one.kill()
    remove_group()


def remove_group(name: str = "") -> None:
    """Kill what is in one of the lab's cgroups (by default all) and remove it; LabError naming what would not go."""
    own = process.ancestry(os.getpid())
    _kill_members(name, own)
    _remove_folders(name)


def everything(where: Places, lab: Lab | None, *, keep_disks: bool) -> None:
    """Take the lab down; SIGINT and SIGTERM wait until it is done."""
    with process.signals_held():
        processes(where, lab)
        if not keep_disks:
            rootfs.remove(where.disks)
        forget(where)


def forget(where: Places) -> None:
    """Remove the state folder's content but the lock, then the folder."""
    for name in ("roots", "log"):
        shutil.rmtree(where.run / name, ignore_errors=True)
    for name in ("state.json", "kubeconfig", "resolv.conf", "client.pem"):
        (where.run / name).unlink(missing_ok=True)


def _kill_members(name: str, own: set[int]) -> None:
    end = time.monotonic() + 10
    while members := cgroup.members(name) - own:
        for pid in members:
            process.send(pid, signal.SIGKILL)
        if time.monotonic() > end:
            raise LabError(f"processes {sorted(members)[:10]} of the lab do not end: look at them with `ps`, then `down` again")
        time.sleep(0.02)


def _remove_folders(name: str) -> None:
    end = time.monotonic() + 5
    while left := cgroup.remove(name):
        if time.monotonic() > end:
            raise LabError(f"cgroup {left[0]} cannot be removed: end the processes in it, then `down` again")
        time.sleep(0.02)


def refuse_foreign(where: Places) -> None:
    """Raise UsageError if what runs in the lab's cgroups belongs to a lab with another state folder."""
    for pid in cgroup.members("hosts"):
        other = _state_of(pid)
        if other and other != str(where.run):
            raise UsageError(
                f"another lab runs on this machine (state in {other}): take it down first with K8SNET_LAB_STATE={other} python -m lab down"
            )


def _state_of(pid: int) -> str | None:
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    mine = [one for one in entries if one.startswith(f"{OWNER}=".encode())]
    return mine[0].partition(b"=")[2].decode() if mine else None


def guests(lab: Lab | None) -> set[int]:
    """Pids of commands that `run` put into the runner's network, ourselves and our ancestors left out."""
    runner = lab.processes.get("runner") if lab else None
    if runner is None or not runner.alive():
        return set()
    inside = namespace.identity(runner.pid, "net")
    return {pid for pid in process.all_pids() if _in(pid, inside)} - {runner.pid} - process.ancestry(os.getpid())


def _in(pid: int, network: int) -> bool:
    try:
        return namespace.identity(pid, "net") == network
    except OSError:
        return False


def end_guests(lab: Lab | None) -> None:
    """End them: SIGTERM, and SIGKILL after three seconds."""
    for pid in guests(lab):
        process.send(pid, signal.SIGTERM)
    if not process.wait_gone(lambda: guests(lab), 3):
        for pid in guests(lab):
            process.send(pid, signal.SIGKILL)
