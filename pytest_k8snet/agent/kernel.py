"""Socket options of Linux that the `socket` module of Python 3.9 does not name (linux/in.h, linux/in6.h, linux/tcp.h)."""

from __future__ import annotations

import socket
import struct
from typing import Any

IP_TOS = 1
IP_PKTINFO = 8
IP_MTU_DISCOVER = 10
IP_RECVERR = 11
IP_RECVTTL = 12
IP_TTL = 2
IPV6_MTU_DISCOVER = 23
IPV6_RECVERR = 25
PMTUDISC_DONT = 0
PMTUDISC_PROBE = 3  # sets DF, ignores what earlier messages said about the path
TCP_SAVE_SYN = 27
TCP_SAVED_SYN = 28
MSG_ERRQUEUE = 0x2000

ORIGIN_ICMP = 2  # of sock_extended_err
ORIGIN_ICMP6 = 3


def version(sock: socket.socket) -> int:
    """4 or 6."""
    return 6 if sock.family == socket.AF_INET6 else 4


def report_errors(sock: socket.socket, wanted: bool = True) -> None:
    """Have ICMP errors queued on the socket (IP_RECVERR, ip(7))."""
    level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if sock.family == socket.AF_INET6 else (socket.IPPROTO_IP, IP_RECVERR)
    sock.setsockopt(level, option, int(wanted))


def queued_error(sock: socket.socket) -> dict[str, Any]:
    """The oldest queued error: `errno` and, if a message from the network caused it, `icmp_type`, `icmp_code`, `icmp_from`, `mtu`."""
    try:
        _, ancillary, _, _ = sock.recvmsg(1024, 512, MSG_ERRQUEUE)
    except OSError:
        return {}
    wanted = ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR))
    return next((_extended_error(data) for level, kind, data in ancillary if (level, kind) in wanted and len(data) >= 16), {})


def _extended_error(data: bytes) -> dict[str, Any]:
    number, origin, kind, code, info = struct.unpack_from("=IBBBxI", data)
    found: dict[str, Any] = {"errno": number}
    if origin in (ORIGIN_ICMP, ORIGIN_ICMP6):
        found.update(icmp_type=kind, icmp_code=code, icmp_from=_offender(data[16:]))
    if info:
        found["mtu"] = info
    return found


def _offender(address: bytes) -> str:
    """The address in a sockaddr_in or sockaddr_in6, "" when the kernel does not know it."""
    family = struct.unpack_from("=H", address)[0] if len(address) >= 16 else 0
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[4:8])
    if family == socket.AF_INET6 and len(address) >= 24:
        return socket.inet_ntop(socket.AF_INET6, address[8:24])
    return ""


def tcp_info(sock: socket.socket) -> dict[str, int]:
    """Parts of struct tcp_info: `retransmits` (segments sent again since the first SYN), `snd_mss`, `pmtu`, `rtt` (µs)."""
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    except OSError:
        return {}
    words = struct.unpack_from("=24I", raw, 8) if len(raw) >= 104 else ()
    return {"retransmits": words[23], "snd_mss": words[2], "pmtu": words[13], "rtt": words[15]} if words else {}
