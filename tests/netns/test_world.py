"""The ground the other tests stand on: namespaces that reach each other as told and leave nothing behind."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from .world import World


def answer(world: World, source: str, address: str) -> str:
    """What a connection to a closed port says: ECONNREFUSED comes from the other end, so the way there and back works."""
    with world[source].inside(), socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
        client.settimeout(1)
        return errno.errorcode.get(client.connect_ex((address, 9)), "connected")


def test_router_forwards_both_families(world: World):
    world.routed(ipv6=True)
    assert answer(world, "client", "10.2.0.1") == "ECONNREFUSED"
    assert answer(world, "client", "fd02::1") == "ECONNREFUSED"


def test_pods_on_a_bridge_reach_each_other(world: World):
    world.bridge("node", "cni0", "10.244.1.1/24")
    world.plug("a", "10.244.1.2/24", "node", "cni0")
    world.plug("b", "10.244.1.3/24", "node", "cni0")
    assert answer(world, "a", "10.244.1.3") == "ECONNREFUSED"


def test_without_forwarding_nothing_passes(world: World):
    world.routed()
    world["router"].sysctl("net.ipv4.ip_forward", 0)
    assert answer(world, "client", "10.2.0.1") == "EAGAIN"


def test_nothing_is_left_behind():
    before = sorted(os.listdir("/proc/self/fd")), Path("/proc/mounts").read_text()
    made = World()
    made.routed()
    sleeper = made["client"].start(["sleep", "1000"])
    made.close()
    assert (sorted(os.listdir("/proc/self/fd")), Path("/proc/mounts").read_text()) == before
    assert sleeper.returncode is not None
