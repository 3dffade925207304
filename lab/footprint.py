"""What a machine looks like from outside: processes, namespaces, mounts, cgroups, links, sysctls.

Equal before `up` and after `down`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from lab import cgroup, process

KINDS = ("net", "mnt", "pid", "uts", "ipc", "cgroup")
# These count what the machine does, or differ at each reading.
COUNTERS = (
    "fs/aio-nr", "fs/dentry-state", "fs/file-nr", "fs/inode-nr", "fs/inode-state", "fs/quota/", "kernel/ns_last_pid",
    "kernel/pty/nr",
    "kernel/random/", "net/netfilter/nf_conntrack_count", "kernel/perf_event_max_sample_rate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Footprint:
    """One look at the machine; each field a set of lines."""

    processes: frozenset[str]
    namespaces: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    links: frozenset[str]
    sysctls: frozenset[str]

    def differences(self, later: Footprint) -> list[str]:
        """What a later look has more (+) or less (-), as lines; ends of processes and namespaces do not count."""
        lines = []
        for one in fields(self):
            before, after = getattr(self, one.name), getattr(later, one.name)
            lines += [f"+ {one.name}: {line}" for line in sorted(after - before)]
            if one.name not in {"processes", "namespaces"}:
                lines += [f"- {one.name}: {line}" for line in sorted(before - after)]
        return lines


def snapshot(mark: str = "") -> Footprint:
    """Look at the machine; the caller's descendants are left out.

    Args:
        mark: where others work on the machine too: of processes count only those in the lab's cgroups and those with
            this text in their environment or command line, of cgroups only the lab's, of mounts all but `ip netns`'s.
            Without it all count; of processes those that pid 1 has adopted, as it does with what outlives its starter.
    """
    others = [pid for pid in process.all_pids() if process.start_time(pid) is not None]
    others = [pid for pid in others if os.getpid() not in process.ancestry(pid)]
    kept = [pid for pid in others if _in_lab(pid) or (_mentions(pid, mark) if mark else process.parent(pid) == 1)]
    return Footprint(
        frozenset(f"{pid} {_read_file(pid, 'comm')} (started {process.start_time(pid)})" for pid in kept),
        frozenset(_namespaces(kept if mark else others)),
        frozenset(line for line in _mounts() if not (mark and " /run/netns" in line)),
        frozenset(folder for folder in _cgroups() if not mark or f"/{cgroup.ROOT}" in folder),
        frozenset(os.listdir("/sys/class/net")),
        frozenset(_sysctls()),
    )


def _mentions(pid: int, mark: str) -> bool:
    return mark in _read_file(pid, "environ") or mark in _read_file(pid, "cmdline")


def resident_memory() -> int:
    """Sum of the resident memory of the lab's processes, in bytes; shared pages count for each."""
    texts = [_read_file(pid, "status") for pid in cgroup.members()]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("VmRSS:")]
    return sum(int(line.split()[1]) << 10 for line in lines)


def _in_lab(pid: int) -> bool:
    return f"/{cgroup.ROOT}/" in _read_file(pid, "cgroup")


def _read_file(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace").strip()
    except OSError:
        return ""


def _namespaces(pids: list[int]) -> Iterator[str]:
    for pid in pids:
        for kind in KINDS:
            try:
                yield os.readlink(f"/proc/{pid}/ns/{kind}")
            except OSError:
                continue


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield " ".join(line.split()[2:])  # the first two fields are numbers that the kernel gives out


def _cgroups() -> Iterator[str]:
    for one in cgroup.hierarchies():
        for folder, _, _ in os.walk(one.path):
            yield folder


def _sysctls() -> Iterator[str]:
    root = Path("/proc/sys")
    for folder, _, files in os.walk(root):
        for name in files:
            path = Path(folder, name)
            key = str(path.relative_to(root))
            if not key.startswith(COUNTERS):
                yield f"{key} = {_read(path)}"


def _read(path: Path) -> str:
    try:
        return " ".join(path.read_text(errors="replace").split())
    except OSError as error:
        return f"({error.strerror})"
