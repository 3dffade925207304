"""The words nft(8) uses for numbers, by what they are names of, and how a constant is read as an interval of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address, ip_network

from ..parse.nft_expression import Expression, Listed, Operation, Prefix, Range
from .header import protocol_number


class Domain(StrEnum):
    """What a value is: tells how its constants are written."""

    NUMBER = "number"
    ADDRESS = "address"
    PROTOCOL = "protocol"
    INTERFACE = "interface"
    STATE = "state"
    STATUS = "status"
    FLAGS = "flags"
    DIRECTION = "direction"
    ROUTE = "route"
    FRAME = "frame"
    ICMP = "icmp"
    ICMPV6 = "icmpv6"
    CODE = "code"
    FAMILY = "family"
    ETHER = "ether"


Interval = tuple[int, int]
STATES = {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
ROUTES = {
    "unspec": 0,
    "unicast": 1,
    "local": 2,
    "broadcast": 3,
    "anycast": 4,
    "multicast": 5,
    "blackhole": 6,
    "unreachable": 7,
    "prohibit": 8,
}
_NAMES: Mapping[Domain, Mapping[str, int]] = {
    Domain.STATE: STATES,
    Domain.STATUS: {"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512},
    Domain.FLAGS: FLAGS,
    Domain.DIRECTION: {"original": 0, "reply": 1},
    Domain.ROUTE: ROUTES,
    Domain.FRAME: {"host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3},
    Domain.ICMP: {
        "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8, "router-advertisement": 9,
        "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12, "timestamp-request": 13, "timestamp-reply": 14,
        "info-request": 15, "info-reply": 16, "address-mask-request": 17, "address-mask-reply": 18,
    },
    Domain.ICMPV6: {
        "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4, "echo-request": 128,
        "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131, "mld-listener-done": 132, "nd-router-solicit": 133,
        "nd-router-advert": 134, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137,
        "router-renumbering": 138, "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142, "mld2-listener-report": 143,
    },
    Domain.CODE: {
        "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "net-prohibited": 9,
        "host-prohibited": 10, "admin-prohibited": 13, "frag-needed": 4,
    },
    Domain.FAMILY: {"ipv4": 2, "ipv6": 10},
    Domain.ETHER: {"ip": 0x0800, "ip6": 0x86DD, "arp": 0x0806, "vlan": 0x8100},
}  # fmt: skip


def number(domain: Domain, constant: Expression) -> int:
    """A constant as the kernel holds it. Raises ValueError for what is no constant of that domain."""
    if isinstance(constant, bool):
        return int(constant)
    if isinstance(constant, int):
        return constant
    if isinstance(constant, Listed):
        return _together([number(domain, part) for part in constant.parts])
    if isinstance(constant, Operation) and constant.operator == "|":
        return number(domain, constant.left) | number(domain, constant.right)
    if not isinstance(constant, str):
        raise ValueError(f"no constant: {constant}")
    return _word(domain, constant)


def interval(domain: Domain, constant: Expression) -> Interval:
    """Lowest and highest number of a constant, a prefix or a range. Raises ValueError."""
    if isinstance(constant, Prefix):
        network = ip_network(f"{constant.address}/{constant.length}", strict=False)
        return int(network[0]), int(network[-1])
    if isinstance(constant, Range):
        return number(domain, constant.low), number(domain, constant.high)
    found = number(domain, constant)
    return found, found


def _together(parts: list[int]) -> int:
    total = 0
    for part in parts:
        total |= part
    return total


def _word(domain: Domain, word: str) -> int:
    if domain is Domain.ADDRESS:
        return int(ip_address(word))
    if domain is Domain.PROTOCOL:
        return protocol_number(word)
    names = _NAMES.get(domain, {})
    return names[word] if word in names else int(word, 0)
