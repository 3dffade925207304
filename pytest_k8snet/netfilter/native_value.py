"""What an expression of nftables reads from a packet.

Semantics: nft(8), and the kernel's nft_payload, nft_meta, nft_ct and nft_fib where that page is silent. A rule whose expression finds
nothing to read (a port in an ICMP packet, a connection of an untracked packet) does not match, whatever is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from ..parse.nft_expression import Ct, Expression, Fib, Meta, Operation, Payload
from .connection import address_kind, original
from .header import echo, is_syn, protocol_number
from .native_names import FLAGS, ROUTES, STATES, Domain, number
from .packet import Packet, parsed
from .truth import Place


class Missing(Enum):
    """The packet has no such thing."""

    ABSENT = "absent"


ABSENT = Missing.ABSENT
Value = int | str | Missing | None  # None: not known
Read = Callable[[Packet, Place], Value]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from. `read` gives None for what the sample does not tell."""

    domain: Domain
    read: Read


def _nothing(_packet: Packet, _place: Place) -> Value:
    return None


UNREAD = Source(Domain.NUMBER, _nothing)


def source(expression: Expression) -> Source:
    """The reader of an expression; `UNREAD` for what is not understood."""
    if isinstance(expression, Payload):
        return _payload(expression)
    if isinstance(expression, Meta):
        return _META.get(expression.key, UNREAD)
    if isinstance(expression, Ct):
        return _ct(expression)
    if isinstance(expression, Fib):
        return _fib(expression)
    if isinstance(expression, Operation):
        return _operation(expression)
    return UNREAD


def constant_or_source(expression: Expression, domain: Domain) -> Read:
    """The reader of the right side of an assignment."""
    try:
        fixed = number(domain, expression)
    except ValueError:
        return source(expression).read
    return lambda _packet, _place: fixed


_OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "&": lambda one, other: one & other,
    "|": lambda one, other: one | other,
    "^": lambda one, other: one ^ other,
}


def _operation(expression: Operation) -> Source:
    left, apply = source(expression.left), _OPERATORS.get(expression.operator)
    if apply is None or left is UNREAD:
        return UNREAD
    right = constant_or_source(expression.right, left.domain)

    def read(packet: Packet, place: Place) -> Value:
        one, other = left.read(packet, place), right(packet, place)
        if ABSENT in (one, other):
            return ABSENT
        return apply(one, other) if isinstance(one, int) and isinstance(other, int) else None

    return Source(left.domain, read)


def _payload(expression: Payload) -> Source:
    domain, read = _FIELDS.get((expression.protocol, expression.field), (Domain.NUMBER, _nothing))
    needs = _HEADERS.get(expression.protocol)
    if needs is None:
        return UNREAD
    return Source(domain, lambda packet, place: read(packet, place) if needs(packet) else ABSENT)


def _version(wanted: int) -> Callable[[Packet], bool]:
    return lambda packet: parsed(packet.dst).version == wanted


def _of(*protocols: str) -> Callable[[Packet], bool]:
    return lambda packet: packet.protocol in protocols


_WITH_PORTS = frozenset({"tcp", "udp", "sctp", "udplite", "dccp"})
_HEADERS: Mapping[str, Callable[[Packet], bool]] = {
    "ip": _version(4), "ip6": _version(6), "tcp": _of("tcp"), "udp": _of("udp"), "sctp": _of("sctp"), "udplite": _of("udplite"),
    "dccp": _of("dccp"), "icmp": _of("icmp"), "icmpv6": _of("icmpv6", "ipv6-icmp"), "th": lambda _packet: True,
}  # fmt: skip


def _address(field: str) -> Read:
    return lambda packet, _place: int(parsed(getattr(packet, field)))


def _protocol(packet: Packet, _place: Place) -> Value:
    return protocol_number(packet.protocol)


def _port(field: str) -> Read:
    def read(packet: Packet, _place: Place) -> Value:
        value = getattr(packet, field)
        return value if isinstance(value, int) and packet.protocol in _WITH_PORTS else None

    return read


def _icmp(position: int) -> Read:
    def read(packet: Packet, _place: Place) -> Value:
        found = packet.icmp_type or echo(packet)
        return None if found is None else found[position]

    return read


def _flags(packet: Packet, _place: Place) -> Value:
    return FLAGS["syn"] if is_syn(packet) else None


_FIELDS: Mapping[tuple[str, str], tuple[Domain, Read]] = {
    **{
        (family, f"{end}addr"): (Domain.ADDRESS, _address(field)) for family in ("ip", "ip6") for end, field in (("s", "src"), ("d", "dst"))
    },
    ("ip", "protocol"): (Domain.PROTOCOL, _protocol),
    ("ip6", "nexthdr"): (Domain.PROTOCOL, _protocol),
    **{
        (protocol, port): (Domain.NUMBER, _port(port))
        for protocol in ("th", "tcp", "udp", "sctp", "udplite", "dccp")
        for port in ("sport", "dport")
    },
    ("tcp", "flags"): (Domain.FLAGS, _flags),
    ("icmp", "type"): (Domain.ICMP, _icmp(0)),
    ("icmp", "code"): (Domain.CODE, _icmp(1)),
    ("icmpv6", "type"): (Domain.ICMPV6, _icmp(0)),
    ("icmpv6", "code"): (Domain.CODE, _icmp(1)),
}


def _device(field: str, nowhere: tuple[str, ...]) -> Read:
    def read(packet: Packet, place: Place) -> Value:
        if place.hook in nowhere:
            return ""
        if field == "in_iface" and place.hook == "POSTROUTING":
            return None
        return getattr(packet, field) or None

    return read


def _frame(packet: Packet, _place: Place) -> Value:
    group = parsed(packet.dst).is_multicast or packet.dst == "255.255.255.255"
    return None if group else 0


def _owner(packet: Packet, place: Place) -> Value:
    """A forwarded packet belongs to no process; whose a local one is, is not known."""
    return ABSENT if place.hook == "FORWARD" or (place.hook == "POSTROUTING" and packet.in_iface) else None


_IN, _OUT = (
    Source(Domain.INTERFACE, _device(field, hooks)) for field, hooks in (("in_iface", ("OUTPUT",)), ("out_iface", ("PREROUTING", "INPUT")))
)
_META: Mapping[str, Source] = {
    "mark": Source(Domain.NUMBER, lambda packet, _place: packet.mark),
    "l4proto": Source(Domain.PROTOCOL, _protocol),
    "nfproto": Source(Domain.FAMILY, lambda packet, _place: 2 if parsed(packet.dst).version == 4 else 10),
    "protocol": Source(Domain.ETHER, lambda packet, _place: 0x0800 if parsed(packet.dst).version == 4 else 0x86DD),
    "iifname": _IN, "iif": _IN, "oifname": _OUT, "oif": _OUT,
    "pkttype": Source(Domain.FRAME, _frame),
    "skuid": Source(Domain.NUMBER, _owner), "skgid": Source(Domain.NUMBER, _owner),
}  # fmt: skip


def _connected(domain: Domain, read: Callable[[Packet], Value]) -> Source:
    return Source(domain, lambda packet, place: read(packet) if place.connected(packet) else ABSENT)


def _state(packet: Packet, place: Place) -> Value:
    return STATES[place.state(packet).lower()]


def _ct(expression: Ct) -> Source:
    key = expression.key.removeprefix("ip ").removeprefix("ip6 ")
    if expression.direction == "original":
        return _ORIGINAL.get(key, UNREAD)
    return UNREAD if expression.direction else _CT.get(key, UNREAD)


def _first_address(field: str, now: str, back: str) -> Source:
    read = original(field, now, back)
    return _connected(Domain.ADDRESS, lambda packet: int(parsed(str(read(packet)))))


def _first_port(packet: Packet) -> Value:
    found = original("original_dport", "dport", "sport")(packet)
    return found if isinstance(found, int) else None


_ORIGINAL: Mapping[str, Source] = {
    "saddr": _first_address("original_src", "src", "dst"),
    "daddr": _first_address("original_dst", "dst", "src"),
    "proto-dst": _connected(Domain.NUMBER, _first_port),
    "protocol": _connected(Domain.PROTOCOL, lambda packet: protocol_number(packet.protocol)),
}
_CT: Mapping[str, Source] = {
    "state": Source(Domain.STATE, _state),
    "mark": _connected(Domain.NUMBER, lambda packet: packet.connmark),
    "direction": _connected(Domain.DIRECTION, lambda packet: int(packet.reply)),
    "status": _connected(Domain.STATUS, lambda _packet: None),
    "protocol": _connected(Domain.PROTOCOL, lambda packet: protocol_number(packet.protocol)),
}


def _fib(expression: Fib) -> Source:
    ends = [flag for flag in expression.flags if flag in ("saddr", "daddr")]
    if expression.result != "type" or len(ends) != 1 or not set(expression.flags) <= {"saddr", "daddr", "iif", "oif"}:
        return UNREAD
    field, limited = ends[0][:1], len(expression.flags) > 1

    def read(packet: Packet, _place: Place) -> Value:
        kind = address_kind(packet, packet.src if field == "s" else packet.dst)
        return None if kind is None or (limited and kind == "LOCAL") else ROUTES[kind.lower()]

    return Source(Domain.ROUTE, read)
