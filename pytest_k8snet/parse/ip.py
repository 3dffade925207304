"""`ip -j` of iproute2: links, addresses, routes, neighbours and rules. Field names of iproute2 become those of the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .json_text import records


@dataclass(frozen=True, slots=True)
class Link:
    """A device; the last five are set for a vxlan device only (`ip -d`)."""

    name: str
    index: int
    mtu: int
    mac: str  # "" for devices without
    up: bool
    kind: str  # "vxlan", "bridge", "veth", ...; "" for hardware, or without `-d`
    link: str = ""  # device below it
    master: str = ""  # bridge it is a port of
    vni: int | None = None
    port: int | None = None
    local: str = ""
    learning: bool | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a device."""

    dev: str
    address: str
    prefix: int
    scope: str  # "global" | "host" | "link"


@dataclass(frozen=True, slots=True)
class Route:
    """A route. "default" is 0.0.0.0/0 or ::/0; a host route has no prefix length, as iproute2 prints it."""

    destination: str
    gateway: str
    dev: str
    table: str  # "" = main
    kind: str  # "unicast" | "local" | "broadcast" | "blackhole" | "unreachable" | ...
    flags: tuple[str, ...]
    metric: int
    source: str  # preferred source address
    scope: str
    protocol: str
    nexthops: tuple[tuple[str, str], ...] = ()  # (gateway, device) of a multipath route, whose own are ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of the ARP or neighbour table; `mac` is "" while it is not resolved."""

    address: str
    dev: str
    mac: str
    states: tuple[str, ...]  # "PERMANENT", "REACHABLE", "STALE", "FAILED", ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy routing rule; `selectors` are all further conditions as printed (fwmark, iif, ...)."""

    priority: int
    source: str  # "all" or a prefix
    destination: str
    table: str  # "" when the action is another than a lookup
    selectors: Mapping[str, Any]


def links(text: str) -> tuple[Link, ...]:
    """`ip -j -d link show`. Raises ParseError."""
    return records("ip -j link output", text, _link)


def _link(entry: Mapping[str, Any]) -> Link:
    info = entry.get("linkinfo") or {}
    data = info.get("info_data") or {}
    vxlan = data if info.get("info_kind") == "vxlan" else {}
    return Link(
        entry["ifname"], int(entry["ifindex"]), int(entry["mtu"]), entry.get("address", ""), "UP" in entry["flags"],
        info.get("info_kind", ""), str(vxlan.get("link") or entry.get("link") or ""), entry.get("master", ""), vxlan.get("id"),
        vxlan.get("port"), vxlan.get("local") or vxlan.get("local6") or "", vxlan.get("learning"), tuple(entry["flags"]),
    )  # fmt: skip


def addresses(text: str) -> tuple[Address, ...]:
    """`ip -j addr show`: every address of every device. Raises ParseError."""
    return tuple(address for device in records("ip -j addr output", text, _addresses) for address in device)


def _addresses(entry: Mapping[str, Any]) -> tuple[Address, ...]:
    name = entry["ifname"]
    return tuple(Address(name, info["local"], int(info["prefixlen"]), info.get("scope", "")) for info in entry["addr_info"] if info)


def routes(text: str, version: int | None = None) -> tuple[Route, ...]:
    """`ip -j route show [table all]`; `version` 4 or 6 tells the family of a default route that shows no address. Raises ParseError."""
    return records("ip -j route output", text, partial(_route, version))


def _route(version: int | None, entry: Mapping[str, Any]) -> Route:
    hops = tuple((_gateway(hop), hop.get("dev", "")) for hop in entry.get("nexthops") or ())
    destination = entry["dst"]
    if destination == "default":
        six = version == 6 or (version is None and ("pref" in entry or ":" in _gateway(entry) or any(":" in hop for hop, _ in hops)))
        destination = "::/0" if six else "0.0.0.0/0"
    return Route(
        destination, _gateway(entry), entry.get("dev", ""), str(entry.get("table", "")), entry.get("type", "unicast"),
        tuple(entry.get("flags") or ()), int(entry.get("metric", 0)), entry.get("prefsrc", ""), entry.get("scope", ""),
        str(entry.get("protocol", "")), hops,
    )  # fmt: skip


def _gateway(entry: Mapping[str, Any]) -> str:
    via = entry.get("via") or {}
    return str(entry.get("gateway") or via.get("host") or "")


def neighbours(text: str) -> tuple[Neighbour, ...]:
    """`ip -j neigh show`. Raises ParseError."""
    return records("ip -j neigh output", text, _neighbour)


def _neighbour(entry: Mapping[str, Any]) -> Neighbour:
    return Neighbour(entry["dst"], entry.get("dev", ""), entry.get("lladdr", ""), tuple(entry.get("state") or ()))


def rules(text: str) -> tuple[Rule, ...]:
    """`ip -j rule show`. Raises ParseError."""
    return records("ip -j rule output", text, _rule)


def _rule(entry: Mapping[str, Any]) -> Rule:
    rest = {key: found for key, found in entry.items() if key not in ("priority", "src", "srclen", "dst", "dstlen", "table")}
    return Rule(int(entry["priority"]), _prefix(entry, "src"), _prefix(entry, "dst"), str(entry.get("table", "")), rest)


def _prefix(entry: Mapping[str, Any], end: str) -> str:
    address = entry.get(end, "all")
    return f"{address}/{entry[end + 'len']}" if end + "len" in entry else str(address)
