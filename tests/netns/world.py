"""Real network namespaces for tests: hosts and routers joined by veth pairs and bridges.

A namespace lives only through a file descriptor of this process: no name under /run/netns, no mount, no holder process. When the test
(or pytest itself) ends, the kernel removes the namespace with everything in it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _new_namespace() -> int:
    """Descriptor of a fresh network namespace, made by a thread that ends at once."""
    made: list[int | OSError] = []

    def make() -> None:
        try:
            _check(_libc.unshare(CLONE_NEWNET), "unshare (root is needed)")
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


class Namespace:
    """One network namespace with its loopback up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._descriptor = _new_namespace()
        self._started: list[subprocess.Popen[Any]] = []
        self.ip("link set lo up")

    @property
    def path(self) -> str:
        """A path that `nsenter --net=` and `ip link … netns` understand while this process lives."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Run the block with the calling thread in this namespace: sockets, child processes and /proc/sys/net are its own."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(self._descriptor, CLONE_NEWNET), "setns")
            try:
                yield
            finally:
                _check(_libc.setns(home, CLONE_NEWNET), "setns back")
        finally:
            os.close(home)

    def run(self, *argv: str, stdin: str | None = None, check: bool = True, timeout: float = 30) -> str:
        """Standard output of a command in this namespace; a failing one raises AssertionError with what it said."""
        with self.inside():
            done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def start(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a process in this namespace; it is killed with the world at the latest."""
        with self.inside():
            process = subprocess.Popen(argv, preexec_fn=_die_with_parent, **options)  # noqa: PLW1509
        self._started.append(process)
        return process

    def ip(self, *lines: str) -> None:
        """Run `ip` with each line as its arguments, in one process."""
        self.run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in lines))

    def sysctl(self, key: str, value: str | int) -> None:
        """Write a sysctl of this namespace, for example net.ipv4.ip_forward."""
        with self.inside():
            Path("/proc/sys", *key.split(".")).write_text(f"{value}\n")

    def forward(self) -> None:
        """Make a router of it."""
        self.sysctl("net.ipv4.ip_forward", 1)
        self.sysctl("net.ipv6.conf.all.forwarding", 1)

    def close(self) -> None:
        """Kill what was started here and let the namespace go."""
        for process in self._started:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        os.close(self._descriptor)


class World:
    """Named namespaces and the links between them. Names of devices: `<other>` on each side, unless given."""

    def __init__(self) -> None:
        self.namespaces: dict[str, Namespace] = {}

    def __getitem__(self, name: str) -> Namespace:
        if name not in self.namespaces:
            self.namespaces[name] = Namespace(name)
        return self.namespaces[name]

    def join(self, left: str, left_addresses: str, right: str, right_addresses: str, mtu: int = 1500) -> None:
        """A veth pair between two namespaces: device `right` in `left` and device `left` in `right`.

        Addresses are blank-separated "address/length" of either family. IPv6 needs no duplicate detection here.
        """
        one, two = self[left], self[right]
        self._quiet(one, two)
        one.ip(f"link add {right} mtu {mtu} type veth peer name {left} mtu {mtu} netns {two.path}")
        for space, device, addresses in ((one, right, left_addresses), (two, left, right_addresses)):
            _address(space, device, addresses.split())

    def bridge(self, name: str, device: str, addresses: str) -> None:
        """A bridge in namespace `name` with its own addresses, as cni0 is."""
        self._quiet(self[name])
        self[name].ip(f"link add {device} type bridge forward_delay 0")
        _address(self[name], device, addresses.split())

    def plug(self, name: str, addresses: str, into: str, bridge: str, mtu: int = 1500) -> None:
        """A namespace whose eth0 is a port of a bridge in another namespace, as a pod is."""
        pod, host = self[name], self[into]
        self._quiet(pod, host)
        host.ip(f"link add veth-{name} mtu {mtu} type veth peer name eth0 mtu {mtu} netns {pod.path}")
        host.ip(f"link set veth-{name} master {bridge} up")
        _address(pod, "eth0", addresses.split())

    def route(self, name: str, destination: str, via: str) -> None:
        """A route, default included, of either family."""
        self[name].ip(f"route add {destination} via {via}")

    def routed(self, far_mtu: int = 1500, ipv6: bool = False) -> None:
        """The usual three: `client` 10.1.0.1, fd01::1 — `router` (.254, ::fe) — `server` 10.2.0.1, fd02::1."""
        for name, net, mtu in (("client", 1, 1500), ("server", 2, far_mtu)):
            here, there = (f" fd0{net}::1/64", f" fd0{net}::fe/64") if ipv6 else ("", "")
            self.join(name, f"10.{net}.0.1/24{here}", "router", f"10.{net}.0.254/24{there}", mtu)
            self.route(name, "default", f"10.{net}.0.254")
            if ipv6:
                self.route(name, "default", f"fd0{net}::fe")
        self["router"].forward()
        if ipv6:
            self.settle()

    def settle(self) -> None:
        """Wait until all links have noticed their carrier: the kernel takes up to a second, and IPv6 sends nothing before."""
        deadline = time.monotonic() + 5
        while any("NO-CARRIER" in space.run("ip", "link") for space in self.namespaces.values()):
            assert time.monotonic() < deadline, "a link got no carrier"
            time.sleep(0.05)

    def close(self) -> None:
        """Kill all processes of the world and remove all namespaces."""
        for namespace in self.namespaces.values():
            namespace.close()
        self.namespaces.clear()

    @staticmethod
    def _quiet(*spaces: Namespace) -> None:
        for space in spaces:
            space.sysctl("net.ipv6.conf.default.accept_dad", 0)
            space.sysctl("net.ipv6.conf.default.accept_ra", 0)
            space.sysctl("net.ipv4.ping_group_range", "0 2147483647")


def _address(space: Namespace, device: str, addresses: Iterable[str]) -> None:
    added = [f"address add {a} dev {device}{' nodad' if ':' in a else ''}" for a in addresses]
    space.ip(*added, f"link set {device} up")


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
