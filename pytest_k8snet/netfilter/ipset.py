"""Membership in an ipset, by its elements as `ipset save` or `ipset list` shows them."""

from __future__ import annotations

from ipaddress import ip_network

from .packet import Packet, parsed


def member(elements: frozenset[str], directions: str, packet: Packet) -> bool | None:
    """Whether the packet's fields named by `directions` ("src", "dst,dst", ...) are an element; None for what cannot be read."""
    fields = directions.split(",")
    hits = [_hit(element.split(), fields, packet) for element in elements]
    return True if True in hits else None if None in hits else False


def _hit(words: list[str], fields: list[str], packet: Packet) -> bool | None:
    parts = words[0].split(",")
    if "nomatch" in words or len(parts) != len(fields):
        return None
    truths = [_part(part, field, packet) for part, field in zip(parts, fields, strict=True)]
    return False if False in truths else None if None in truths else True


def _part(part: str, field: str, packet: Packet) -> bool | None:
    try:
        return _matches(part, field, packet)
    except ValueError:
        return None


def _matches(part: str, field: str, packet: Packet) -> bool | None:
    protocol, colon, port = part.partition(":")
    number = packet.sport if field == "src" else packet.dport
    if colon and not port.count(":"):
        return protocol == packet.protocol and (None if number is None else number == int(port))
    if part.isdigit():
        return None if number is None else number == int(part)
    return parsed(getattr(packet, field)) in ip_network(part, strict=False)
