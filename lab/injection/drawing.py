"""What a fault leaves to chance: the node, its peer, addresses and numbers, all from one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from lab import addresses
from lab.errors import UsageError
from lab.injection.fault import Fault

LARGEST_SEED = 2**32 - 1
Parts = dict[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node as faults name it: address on the underlay, pod subnet, MAC of its tunnel device ("" without one)."""

    name: str
    role: str
    address: str
    cidr: str
    mac: str

    def values(self, prefix: str) -> Parts:
        """`{prefix}`, `{prefix_address}`, `{prefix_cidr}`, `{prefix_mac}`."""
        return {
            prefix: self.name,
            f"{prefix}_address": self.address,
            f"{prefix}_cidr": self.cidr,
            f"{prefix}_mac": self.mac,
        }


def draw(fault: Fault, nodes: Sequence[NodeFacts], seed: int, node: str = "") -> Parts:
    """Values of the placeholders: `node` is any node of the fault's roles unless one is named, `peer` any other one."""
    chance = random.Random(f"{fault.id} {seed}")  # a text: the same on every version of Python
    drawn = chance.choice(fitting(fault, nodes))
    if node:
        drawn = _named(fault, nodes, node)
    others = [one for one in nodes if one != drawn]
    peer = chance.choice(others)
    control = next(one.name for one in nodes if one.role == "control")
    values: Parts = {
        "pods": str(addresses.PODS), "services": str(addresses.SERVICES), "dns": str(addresses.DNS_SERVICE),
        "control": control, "role": drawn.role, "nodes": tuple(one.name for one in nodes),
        "others": tuple(one.name for one in others), "rest": tuple(one.name for one in others if one != peer),
        **drawn.values("node"), **peer.values("peer"),
    }  # fmt: skip
    return values | {name: _number(rule, chance) for name, rule in fault.draw.items()}


def fitting(fault: Fault, nodes: Sequence[NodeFacts]) -> list[NodeFacts]:
    """The nodes that a fault may strike."""
    return [one for one in nodes if one.role in fault.roles]


def _named(fault: Fault, nodes: Sequence[NodeFacts], name: str) -> NodeFacts:
    fits = {one.name: one for one in fitting(fault, nodes)}
    if name not in fits:
        raise UsageError(f"{fault.id} cannot strike {name}: choose one of {', '.join(fits)}")
    return fits[name]


def _number(rule: Any, chance: random.Random) -> str:
    match rule:
        case "network":
            return str(_network(chance))
        case "loopback":
            return f"127.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"
        case [int(low), int(high)]:
            return str(chance.randint(low, high))
    raise UsageError(f"cannot draw {rule!r}: write network, loopback or [lowest, highest]")


def _network(chance: random.Random) -> IPv4Network:
    """A /16 of 10.0.0.0/8 in which no address of the lab lies."""
    taken = (addresses.PODS, addresses.SERVICES)
    free = [one for one in IPv4Network("10.0.0.0/8").subnets(new_prefix=16) if not any(one.overlaps(x) for x in taken)]
    return chance.choice(free)
