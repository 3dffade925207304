"""/proc/net/udp: the kernel's table of UDP sockets, those of its own tunnels among them."""

from __future__ import annotations

from .errors import ParseError

WHAT = "/proc/net/udp"


def udp_ports(text: str) -> frozenset[int]:
    """Local ports of all sockets. Raises ParseError."""
    head, *lines = text.split("\n")
    if "local_address" not in head:
        raise ParseError(f"{WHAT}: no head with local_address", 1, head)
    return frozenset(_port(number, line) for number, line in enumerate(lines, 2) if line.strip())


def _port(number: int, line: str) -> int:
    """`  12: 0C001EAC:2118 00000000:0000 07 ...`: address and port in hexadecimal digits."""
    words = line.split()
    try:
        return int(words[1].rpartition(":")[2], 16)
    except (IndexError, ValueError) as error:
        raise ParseError(f"{WHAT}: no local address with a port", number, line) from error
