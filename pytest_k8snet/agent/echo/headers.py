"""What a saved SYN tells (TCP_SAVED_SYN: network and TCP header as they arrived), RFC 791, RFC 8200, RFC 9293."""

from __future__ import annotations

from typing import Any

TCP = 6
OPTION_MSS = 2


def parse_syn(packet: bytes) -> dict[str, Any]:
    """`ttl` (hop limit) and `mss` of the SYN; what is not there is None."""
    if len(packet) < 20:
        return {"ttl": None, "mss": None}
    if packet[0] >> 4 == 6:
        return {"ttl": packet[7], "mss": _mss(packet[40:]) if packet[6] == TCP else None}
    return {"ttl": packet[8], "mss": _mss(packet[(packet[0] & 15) * 4 :])}


def _mss(segment: bytes) -> int | None:
    if len(segment) < 20:
        return None
    options = segment[20 : (segment[12] >> 4) * 4]
    position = 0
    while position < len(options) and options[position] != 0:
        if options[position] == 1:
            position += 1
            continue
        size = options[position + 1] if position + 1 < len(options) else 0
        if options[position] == OPTION_MSS and size == 4 and position + 4 <= len(options):
            return int.from_bytes(options[position + 2 : position + 4], "big")
        if size < 2:
            return None
        position += size
    return None
