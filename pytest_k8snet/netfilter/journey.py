"""A packet's way through the whole node: from a device or a process to another device or to the node itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from .branch import Branch
from .hooks import _IPTABLES, Worlds, forward, input, output, postrouting, prerouting, then
from .packet import Packet, is_local

Route = Callable[[str], str]  # destination -> device it leaves by, "" = not known


def journey(
    worlds: Worlds, packet: Packet, hook: str = "prerouting", route: Route | None = None, only: frozenset[str] = _IPTABLES
) -> tuple[Branch, ...]:
    """PREROUTING, then INPUT, or FORWARD and POSTROUTING; with hook "output": OUTPUT and POSTROUTING, and for the
    node itself PREROUTING and INPUT after that.

    `route` names the device for a destination that DNAT may have changed; without it a packet whose destination changed has an
    unknown output device. A destination whose locality is not known counts as forwarded.
    """
    if hook == "output":
        return then(output(worlds, packet, only), partial(_leave, worlds, packet.dst, route, only))
    return then(prerouting(worlds, packet, only), partial(_arrive, worlds, packet.dst, route, only))


def _arrive(worlds: Worlds, asked: str, route: Route | None, only: frozenset[str], packet: Packet) -> tuple[Branch, ...]:
    if is_local(packet, packet.dst):
        return input(worlds, packet, only)
    routed = _routed(packet, asked, route)
    return then(forward(worlds, routed, only), lambda passed: postrouting(worlds, passed, only))


def _leave(worlds: Worlds, asked: str, route: Route | None, only: frozenset[str], packet: Packet) -> tuple[Branch, ...]:
    if not is_local(packet, packet.dst):
        return postrouting(worlds, _routed(packet, asked, route), only)
    inside = replace(packet, out_iface="lo")
    return then(
        postrouting(worlds, inside, only),
        lambda sent: then(prerouting(worlds, replace(sent, in_iface="lo", out_iface=""), only), lambda back: input(worlds, back, only)),
    )


def _routed(packet: Packet, asked: str, route: Route | None) -> Packet:
    if route is not None:
        return replace(packet, out_iface=route(packet.dst))
    return packet if packet.dst == asked else replace(packet, out_iface="")
