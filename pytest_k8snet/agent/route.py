"""Which device the kernel would send through, and its MTU (rtnetlink(7); needs no privilege, changes nothing)."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

RTM_GETROUTE = 26
RTM_NEWROUTE = 24
NLM_F_REQUEST = 1
RTA_DST = 1
RTA_OIF = 4
SIOCGIFMTU = 0x8921


def device_mtu(address: str) -> int | None:
    """MTU in bytes of the device towards `address`; None when there is no route or it cannot be known."""
    try:
        index = _output_device(address)
        return None if index is None else _mtu(socket.if_indextoname(index))
    except (OSError, struct.error, ValueError):
        return None


def _output_device(address: str) -> int | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    route = struct.pack("=BBBBBBBBI", family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0)
    body = route + struct.pack("=HH", 4 + len(packed), RTA_DST) + packed
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        asking.settimeout(1)
        asking.send(struct.pack("=IHHII", 16 + len(body), RTM_GETROUTE, NLM_F_REQUEST, 1, os.getpid()) + body)
        return _parse(asking.recv(65536))


def _parse(answer: bytes) -> int | None:
    """The RTA_OIF attribute of an RTM_NEWROUTE message."""
    length, kind = struct.unpack_from("=IH", answer)
    position = 16 + 12
    while kind == RTM_NEWROUTE and position + 4 <= min(length, len(answer)):
        size, attribute = struct.unpack_from("=HH", answer, position)
        if attribute == RTA_OIF:
            return int(struct.unpack_from("=I", answer, position + 4)[0])
        position += max(4, (size + 3) & ~3)
    return None


def _mtu(name: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFMTU, struct.pack("16si16x", name.encode(), 0))
    return int(struct.unpack_from("=i", answer, 16)[0])
