"""Predicates over what the kernel knows beside the packet: connection, marks, local addresses, lists.

Semantics: iptables-extensions(8), and the kernel's xt_conntrack, xt_addrtype and xt_owner where that page is silent.
"""

from __future__ import annotations

from collections.abc import Callable

from ..parse.ruleset import Match, Option
from . import header
from .ipset import member
from .packet import Packet, is_local, parsed
from .truth import Place, Predicate, Truth, every, inverted, unknown

_NAT_STATES = frozenset({"SNAT", "DNAT"})


def mark(option: Option) -> Predicate:
    """`-m mark --mark value[/mask]`."""
    test = _bits(option)
    return lambda packet, _place: test(packet.mark)


def connection_mark(match: Match) -> Predicate:
    """`-m connmark`: never matches a packet without connection, negated or not."""
    option = match.option("mark")
    if option is None or len(match.options) > 1:
        return unknown
    test = _bits(option)
    signed = _signed(option, lambda packet, _place: test(packet.connmark))
    return lambda packet, place: signed(packet, place) if place.connected(packet) else False


def _bits(option: Option) -> Callable[[int | None], Truth]:
    value, _, mask = option.value.partition("/")
    wanted, bits = int(value, 0), int(mask, 0) if mask else 0xFFFFFFFF
    return lambda found: None if found is None else found & bits == wanted


def conntrack(match: Match) -> Predicate:
    """`-m conntrack`, `-m state`. A packet without connection matches on its state alone, then no other option is asked."""
    states = [_signed(option, _state(option)) for option in match.options if option.name in ("ctstate", "state")]
    others = [_signed(option, _connection_option(option)) for option in match.options if option.name not in ("ctstate", "state")]

    def test(packet: Packet, place: Place) -> Truth:
        if not place.connected(packet):
            return every(predicate(packet, place) for predicate in states) if states else False
        return every(predicate(packet, place) for predicate in (*states, *others))

    return test


def _signed(option: Option, predicate: Predicate) -> Predicate:
    return inverted(predicate) if option.negated else predicate


def _state(option: Option) -> Predicate:
    wanted = frozenset(option.value.split(","))

    def test(packet: Packet, place: Place) -> Truth:
        translated = place.connected(packet) and wanted & packet.translated & _NAT_STATES
        return place.state(packet) in wanted or bool(translated)

    return test


def _connection_option(option: Option) -> Predicate:
    factory = _CONNECTION.get(option.name)
    return factory(option) if factory else unknown


def _direction(option: Option) -> Predicate:
    return lambda packet, _place: packet.reply == (option.value == "REPLY")


def original(field: str, now: str, back: str) -> Callable[[Packet], object]:
    """Reads a field of the connection's first packet: as noted, else as the packet has it now."""
    return lambda packet: getattr(packet, field) or getattr(packet, back if packet.reply else now)


def _original_address(field: str, now: str, back: str) -> Callable[[Option], Predicate]:
    read = original(field, now, back)

    def factory(option: Option) -> Predicate:
        test = header.address("src")(option)
        return lambda packet, place: test(Packet(str(read(packet)), ""), place)

    return factory


def _original_port(option: Option) -> Predicate:
    read = original("original_dport", "dport", "sport")
    test = header.port("dport")(option)

    def port(packet: Packet, place: Place) -> Truth:
        found = read(packet)
        return test(Packet("", "", dport=found if isinstance(found, int) else None), place)

    return port


_CONNECTION: dict[str, Callable[[Option], Predicate]] = {
    "ctproto": header.protocol,
    "ctdir": _direction,
    "ctorigsrc": _original_address("original_src", "src", "dst"),
    "ctorigdst": _original_address("original_dst", "dst", "src"),
    "ctorigdstport": _original_port,
}


def address_type(match: Match) -> Predicate:
    """`-m addrtype`. With --limit-iface-* a local address is unknown: which device holds it is not in the sample.

    An address that is neither local nor a well-known group or broadcast address counts as UNICAST.
    """
    limited = any(option.name.startswith("limit-iface") for option in match.options)
    tests = [_signed(option, _type(option, limited)) for option in match.options if not option.name.startswith("limit-iface")]
    return lambda packet, place: every(test(packet, place) for test in tests)


def _type(option: Option, limited: bool) -> Predicate:
    if option.name not in ("src-type", "dst-type"):
        return unknown
    field, wanted = option.name[:3], option.value.split(",")

    def test(packet: Packet, _place: Place) -> Truth:
        kind = address_kind(packet, getattr(packet, field))
        return None if kind is None or (limited and kind == "LOCAL") else kind in wanted

    return test


def address_kind(packet: Packet, address: str) -> str | None:
    found = parsed(address)
    if found.is_multicast:
        return "MULTICAST"
    if str(found) == "255.255.255.255":
        return "BROADCAST"
    local = is_local(packet, address)
    return None if local is None else "LOCAL" if local else "UNICAST"


def recent(match: Match) -> Predicate:
    """`-m recent`: --set always matches; the others ask whether the sender is listed."""
    names = {option.name for option in match.options}
    listed = next((option for option in match.options if option.name in ("set", "rcheck", "update", "remove")), None)
    if listed is None:
        return unknown

    def test(packet: Packet, _place: Place) -> Truth:
        if listed.name == "set":
            return True
        return None if packet.recent and "hitcount" in names else packet.recent

    return _signed(listed, test)


def packet_type(option: Option) -> Predicate:
    """`--pkt-type`: a frame with a unicast destination came for this host."""

    def test(packet: Packet, _place: Place) -> Truth:
        group = parsed(packet.dst).is_multicast or packet.dst == "255.255.255.255"
        return None if group else option.value == "unicast"

    return test


def owner(_option: Option) -> Predicate:
    """`-m owner`: a forwarded packet has no owner, a local one an unknown one."""
    return lambda packet, place: False if place.hook == "POSTROUTING" and packet.in_iface else None


def in_set(option: Option) -> Predicate:
    """`--match-set NAME flags`; unknown when the set's members are not known."""
    name, directions = option.args

    def test(packet: Packet, place: Place) -> Truth:
        return member(place.sets[name], directions, packet) if name in place.sets else None

    return test


def chance(match: Match) -> float:
    """Probability of `-m statistic`, long-term share for mode nth. Raises ValueError for anything else."""
    share = match.option("probability") or match.option("every")
    if share is None:
        raise ValueError(f"no share in {match}")
    value = float(share.value) if share.name == "probability" else 1 / int(share.value)
    return 1 - value if share.negated else value
