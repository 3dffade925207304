"""/proc/net/ip_vs: the kernel's virtual servers; and the names that `ipset list -n` prints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from .errors import ParseError

WHAT = "/proc/net/ip_vs"
_SERVER = re.compile(r"(TCP|UDP|SCTP)\s+(\S+):([0-9A-F]{4})\s+(\S+)")
_REAL = re.compile(r"\s+->\s+(\S+):([0-9A-F]{4})\s+(\S+)\s+(-?\d+)\s")
_HEAD = ("IP Virtual Server", "Prot ", "  -> RemoteAddress", "FWM ")


@dataclass(frozen=True, slots=True)
class VirtualServer:
    """One address and port with its real servers as "address:port"; those of weight 0 get no new connections."""

    protocol: str  # "tcp" | "udp" | "sctp"
    address: str
    port: int
    scheduler: str
    real: frozenset[str] = frozenset()


def virtual_servers(text: str) -> tuple[VirtualServer, ...]:
    """Every virtual server with an address. Raises ParseError for a line that is none of the kernel's."""
    if not text.startswith(_HEAD[0]):
        raise ParseError(f"{WHAT}: expected the kernel's heading", 1, text)
    found: list[tuple[VirtualServer, set[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if server := _SERVER.match(line):
            protocol, address, port, scheduler = server.groups()
            found.append((VirtualServer(protocol.lower(), _address(address, number, line), int(port, 16), scheduler), set()))
        elif real := _REAL.match(f"{line} "):
            if found and int(real[4]) > 0:
                found[-1][1].add(_end(_address(real[1], number, line), int(real[2], 16)))
        elif line.strip() and not line.startswith(_HEAD):
            raise ParseError(f"{WHAT}: neither a virtual nor a real server", number, line)
    return tuple(VirtualServer(s.protocol, s.address, s.port, s.scheduler, frozenset(real)) for s, real in found)


def set_names(text: str) -> frozenset[str]:
    """Names of ipsets, one a line."""
    return frozenset(filter(None, map(str.strip, text.splitlines())))


def _address(text: str, number: int, line: str) -> str:
    """Eight hexadecimal digits, or an IPv6 address in brackets."""
    try:
        return str(ip_address(text[1:-1])) if text.startswith("[") else str(IPv4Address(int(text, 16)))
    except ValueError as error:
        raise ParseError(f"{WHAT}: {text} is no address", number, line) from error


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
