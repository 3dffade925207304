"""`bridge -j` of iproute2: the forwarding database (vxlan devices keep theirs there too) and the ports of bridges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .json_text import records


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the forwarding database; `destination` is the remote tunnel end of a vxlan device."""

    mac: str
    dev: str
    destination: str
    flags: tuple[str, ...]  # "self", "offload", ...
    state: str  # "permanent" | "static" | "stale" | "" (learned)
    master: str = ""
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A bridge port; `hairpin` is None without `-d`."""

    name: str
    master: str
    state: str  # "forwarding" | "disabled" | "blocking" | ...
    mtu: int
    hairpin: bool | None
    isolated: bool | None


def fdb(text: str) -> tuple[Entry, ...]:
    """`bridge -j fdb show`. Raises ParseError."""
    return records("bridge -j fdb output", text, _entry)


def _entry(entry: Mapping[str, Any]) -> Entry:
    return Entry(
        entry["mac"], entry.get("ifname", ""), entry.get("dst", ""), tuple(entry.get("flags") or ()), entry.get("state", ""),
        entry.get("master", ""), entry.get("vlan"),
    )  # fmt: skip


def links(text: str) -> tuple[Port, ...]:
    """`bridge -j -d link show`. Raises ParseError."""
    return records("bridge -j link output", text, _port)


def _port(entry: Mapping[str, Any]) -> Port:
    return Port(
        entry["ifname"], entry.get("master", ""), entry.get("state", ""), int(entry["mtu"]), entry.get("hairpin"), entry.get("isolated")
    )
