"""Predicates over what a packet carries: addresses, protocol, ports, ICMP type, interfaces.

Semantics: iptables(8), iptables-extensions(8). A factory takes the option and returns its predicate without the negation;
it raises ValueError for an argument it cannot read, which makes the match unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from ..parse.ruleset import Option
from .packet import Packet, parsed
from .truth import Place, Predicate, Truth, always

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "esp": 50, "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "sctp": 132, "udplite": 136, "gre": 47}
_NO_INPUT = ("OUTPUT",)  # POSTROUTING knows the input device on newer kernels only
_NO_OUTPUT = ("PREROUTING", "INPUT")


def protocol_number(name: str) -> int:
    """Number of a protocol. Raises ValueError for a name that is not among the usual ones."""
    return _PROTOCOLS[name] if name in _PROTOCOLS else int(name)


def protocol(option: Option) -> Predicate:
    """`-p`; 0 and "all" are every protocol."""
    if option.value in ("all", "0"):
        return always
    number = protocol_number(option.value)
    return lambda packet, _place: protocol_number(packet.protocol) == number


def address(field: str) -> Callable[[Option], Predicate]:
    """`-s`, `-d`: an address with a prefix length or a mask, which may have holes."""

    def factory(option: Option) -> Predicate:
        wanted, mask, version = _masked(option.value)

        def test(packet: Packet, _place: Place) -> Truth:
            found = parsed(getattr(packet, field))
            return found.version == version and int(found) & mask == wanted

        return test

    return factory


def _masked(text: str) -> tuple[int, int, int]:
    base, _, suffix = text.partition("/")
    first = ip_address(base)
    full = (1 << first.max_prefixlen) - 1
    if not suffix:
        mask = full
    elif suffix.isdigit():
        mask = int(ip_network(f"{base}/{suffix}", strict=False).netmask)
    else:
        mask = int(ip_address(suffix))
    return int(first) & mask, mask, first.version


def address_range(field: str) -> Callable[[Option], Predicate]:
    """`-m iprange`: both ends belong to it."""

    def factory(option: Option) -> Predicate:
        low, _, high = option.value.partition("-")
        first, last = ip_address(low), ip_address(high or low)

        def test(packet: Packet, _place: Place) -> Truth:
            found = parsed(getattr(packet, field))
            return found.version == first.version and int(first) <= int(found) <= int(last)

        return test

    return factory


def port(field: str) -> Callable[[Option], Predicate]:
    """`--sport`, `--dport`: one port or `low:high`, either end may be left out."""

    def factory(option: Option) -> Predicate:
        low, high = _span(option.value)

        def test(packet: Packet, _place: Place) -> Truth:
            value = getattr(packet, field)
            return None if value is None else low <= value <= high

        return test

    return factory


def ports(*fields: str) -> Callable[[Option], Predicate]:
    """`-m multiport`: a list of ports and ranges, any of which may be hit by any of the fields."""

    def factory(option: Option) -> Predicate:
        spans = [_span(part) for part in option.value.split(",")]

        def hit(value: int | None) -> Truth:
            return None if value is None else any(low <= value <= high for low, high in spans)

        def test(packet: Packet, _place: Place) -> Truth:
            hits = [hit(getattr(packet, field)) for field in fields]
            return True if True in hits else None if None in hits else False

        return test

    return factory


def _span(text: str) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    first = int(low) if low else 0
    return first, int(high) if high else 65535 if colon else first


def tcp_flags(option: Option) -> Predicate:
    """`--tcp-flags MASK SET`: known for the first packet of a connection, a lone SYN."""
    mask, wanted = (_flags(word) for word in option.args)
    return lambda packet, _place: mask & {"SYN"} == wanted if is_syn(packet) else None


def syn(_option: Option) -> Predicate:
    """`--syn`: the same as SYN out of FIN,SYN,RST,ACK."""
    return lambda packet, _place: True if is_syn(packet) else None


def is_syn(packet: Packet) -> bool:
    return packet.state == "NEW" and not packet.reply


def _flags(word: str) -> frozenset[str]:
    known = frozenset({"FIN", "SYN", "RST", "PSH", "ACK", "URG"})
    return known if word == "ALL" else frozenset() if word == "NONE" else frozenset(word.split(","))


def icmp_type(option: Option) -> Predicate:
    """`--icmp-type`, `--icmpv6-type`: a number, or number/code; "any" or 255."""
    if option.value in ("any", "255"):
        return always
    kind, _, code = option.value.partition("/")
    wanted_kind, wanted_code = int(kind), int(code) if code else None

    def test(packet: Packet, _place: Place) -> Truth:
        found = packet.icmp_type or echo(packet)
        return None if found is None else found[0] == wanted_kind and wanted_code in (None, found[1])

    return test


def echo(packet: Packet) -> tuple[int, int] | None:
    if packet.state != "NEW":
        return None
    return (8, 0) if packet.protocol == "icmp" else (128, 0)


def interface(field: str) -> Callable[[Option], Predicate]:
    """`-i`, `-o`: a name, or a prefix when it ends in `+`."""
    absent = _NO_INPUT if field == "in_iface" else _NO_OUTPUT

    def factory(option: Option) -> Predicate:
        pattern = option.value

        def test(packet: Packet, place: Place) -> Truth:
            name = "" if place.hook in absent else getattr(packet, field)
            if not name and place.hook not in absent:
                return None
            if field == "in_iface" and place.hook == "POSTROUTING":
                return None
            return bool(name.startswith(pattern[:-1])) if pattern.endswith("+") else name == pattern

        return test

    return factory


def bridge_port(field: str) -> Callable[[Option], Predicate]:
    """`--physdev-in`, `--physdev-out`."""
    return lambda option: lambda packet, _place: None if getattr(packet, field) is None else getattr(packet, field) == option.value


def has_bridge_port(*fields: str) -> Callable[[Option], Predicate]:
    """`--physdev-is-in`, `-is-out`, `-is-bridged`."""

    def test(packet: Packet, _place: Place) -> Truth:
        values = [getattr(packet, field) for field in fields]
        return False if "" in values else None if None in values else True

    return lambda _option: test
