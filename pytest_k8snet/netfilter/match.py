"""Which predicate each match of iptables has. What is not in these tables is unknown."""

from __future__ import annotations

from collections.abc import Callable

from ..parse.ruleset import Match, Option
from . import connection, header
from .packet import Packet
from .truth import Place, Predicate, Truth, all_of, always, inverted, unknown

_PORTS = {
    "sport": header.port("sport"), "source-port": header.port("sport"),
    "dport": header.port("dport"), "destination-port": header.port("dport"),
}  # fmt: skip
_OPTIONS: dict[str, dict[str, Callable[[Option], Predicate]]] = {
    "source": {"source": header.address("src")},
    "destination": {"destination": header.address("dst")},
    "protocol": {"protocol": header.protocol},
    "in-interface": {"in-interface": header.interface("in_iface")},
    "out-interface": {"out-interface": header.interface("out_iface")},
    "fragment": {"fragment": lambda _option: lambda _packet, _place: False},  # a sample is whole
    "tcp": {**_PORTS, "tcp-flags": header.tcp_flags, "syn": header.syn},
    "udp": _PORTS,
    "sctp": _PORTS,
    "icmp": {"icmp-type": header.icmp_type},
    "icmp6": {"icmpv6-type": header.icmp_type},
    "multiport": {
        "sports": header.ports("sport"), "source-ports": header.ports("sport"),
        "dports": header.ports("dport"), "destination-ports": header.ports("dport"),
        "ports": header.ports("sport", "dport"),
    },
    "iprange": {"src-range": header.address_range("src"), "dst-range": header.address_range("dst")},
    "physdev": {
        "physdev-in": header.bridge_port("bridge_in"), "physdev-out": header.bridge_port("bridge_out"),
        "physdev-is-in": header.has_bridge_port("bridge_in"), "physdev-is-out": header.has_bridge_port("bridge_out"),
        "physdev-is-bridged": header.has_bridge_port("bridge_in", "bridge_out"),
    },
    "mark": {"mark": connection.mark},
    "pkttype": {"pkt-type": connection.packet_type},
    "owner": dict.fromkeys(("uid-owner", "gid-owner", "socket-exists"), connection.owner),
    "set": {"match-set": connection.in_set},
    "nfacct": {"nfacct-name": lambda _option: always},
    "comment": {"comment": lambda _option: always},
}  # fmt: skip
_WHOLE: dict[str, Callable[[Match], Predicate]] = {
    "conntrack": connection.conntrack,
    "state": connection.conntrack,
    "addrtype": connection.address_type,
    "recent": connection.recent,
    "connmark": connection.connection_mark,
}
_OF_PROTOCOL = {"tcp": ("tcp",), "udp": ("udp",), "sctp": ("sctp",), "icmp": ("icmp",), "icmp6": ("icmpv6", "ipv6-icmp"),
                "multiport": ("tcp", "udp", "sctp", "udplite", "dccp")}  # fmt: skip
_WORDS = {  # arguments of options that do not have exactly one
    "tcp-flags": 2, "match-set": 2, "syn": 0, "fragment": 0, "physdev-is-in": 0, "physdev-is-out": 0, "physdev-is-bridged": 0,
    "socket-exists": 0, "limit-iface-in": 0, "limit-iface-out": 0, "set": 0, "rcheck": 0, "update": 0, "remove": 0, "reap": 0,
    "rttl": 0, "rsource": 0, "rdest": 0,
}  # fmt: skip
_MAY_BE_BARE = ("tcp", "udp", "sctp", "icmp", "icmp6")


def predicate(match: Match) -> Predicate:
    """The predicate of a match; `unknown` when any word of it is not understood. Statistic matches are the walker's."""
    if match.unread or any(len(option.args) != _WORDS.get(option.name, 1) for option in match.options):
        return unknown
    try:
        return _read(match)
    except (ValueError, IndexError):
        return unknown


def _read(match: Match) -> Predicate:
    if match.name in _WHOLE:
        return _WHOLE[match.name](match) if match.options else unknown
    known = _OPTIONS.get(match.name)
    if known is None or (not match.options and match.name not in _MAY_BE_BARE):
        return unknown
    test = all_of(tuple(_signed(option, known) for option in match.options) or (always,))
    protocols = _OF_PROTOCOL.get(match.name)
    return _only(protocols, test) if protocols else test


def _signed(option: Option, known: dict[str, Callable[[Option], Predicate]]) -> Predicate:
    factory = known.get(option.name)
    if factory is None:
        return unknown
    return inverted(factory(option)) if option.negated else factory(option)


def _only(protocols: tuple[str, ...], test: Predicate) -> Predicate:
    def limited(packet: Packet, place: Place) -> Truth:
        return test(packet, place) if packet.protocol in protocols else False

    return limited
