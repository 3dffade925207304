"""Linux namespaces by pid: enter one for a moment, open a socket in one, mount (setns(2), unshare(2), mount(2))."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Give the calling thread new namespaces of the given kinds."""
    _checked(_libc.unshare(flags), "unshare")


def setns(descriptor: int, kind: int = 0) -> None:
    """Move the calling thread into the namespace that the descriptor refers to."""
    _checked(_libc.setns(descriptor, kind), "setns")


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this signal when the parent of the calling process ends."""
    _checked(_libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def make_mounts_private() -> None:
    """Stop mounts of the calling process's (own) mount namespace from spreading to others."""
    _checked(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount --make-rprivate /")


def bind_mount(source: str, target: str) -> None:
    """Put the file `source` in place of the file `target`, in the caller's mount namespace."""
    _checked(_libc.mount(os.fsencode(source), os.fsencode(target), None, MS_BIND, None), f"mount --bind {target}")


def identity(pid: int | str, kind: str) -> int:
    """Inode number of a namespace of a process, equal for all processes that share it; kind as in /proc/PID/ns."""
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino


def join(pid: int, kind: str) -> None:
    """Move the calling thread into a namespace of another process, for good."""
    descriptor = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def network(pid: int) -> Iterator[None]:
    """Run the block in the network namespace of a process: its sockets, child processes and /proc/sys/net."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        join(pid, "net")
        try:
            yield
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def connect(pid: int, address: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection made inside the network namespace of a process; it stays in that namespace."""
    with network(pid):
        return socket.create_connection((address, port), timeout)


def datagram_socket(pid: int, version: int = 4) -> socket.socket:
    """A UDP socket of this version of IP inside the network namespace of a process."""
    with network(pid):
        return socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
