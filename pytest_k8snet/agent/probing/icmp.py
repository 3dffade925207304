"""Echo request with the nonce as payload, through a datagram ICMP socket (ping_group_range) or, where allowed, a raw one."""

from __future__ import annotations

import os
import re
import socket
import struct
from typing import Any

from .. import kernel, outcomes, waiting
from ..route import device_mtu
from .attempt import Attempt, Context, Failed, failure, receive_message, send, sockname
from .request import BadRequest, Request

HEADERS = {4: 28, 6: 48}  # IP and ICMP
ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
PROTOCOL = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
_SIZE = re.compile(r"mtu([+-]\d{1,5})?")


async def attempt(context: Context, request: Request, nonce: str, result: Attempt) -> None:
    """`size` is that of the whole IP packet: a number, or "mtu", "mtu+1" for that of the device it leaves through."""
    deadline = waiting.now() + request.timeout
    payload = _payload(f"K8SNET1 {context.run} {nonce} ".encode("ascii"), request)
    result.detail.update(size=len(payload) + HEADERS[request.version], df=bool(request.raw.get("df")))
    sock, raw = open_socket(request.version)
    with sock:
        _prepare(sock, request)
        result.detail["local"] = sockname(sock)
        identifier = os.getpid() & 0xFFFF
        await send(sock, echo_request(request.version, identifier, payload), deadline)
        await _answered(sock, request, payload, identifier if raw else None, deadline, result)


def _payload(start: bytes, request: Request) -> bytes:
    """Nonce first, then filled up to the size; a size too small for the nonce is a bad request."""
    wanted = request.raw.get("size")
    if wanted is None:
        return start
    room = packet_size(wanted, request) - HEADERS[request.version]
    if not len(start) <= room <= 65535 - HEADERS[request.version]:
        raise BadRequest(f"size {wanted!r} leaves {room} bytes of payload, the nonce needs {len(start)}")
    return start + bytes(i & 0xFF for i in range(room - len(start)))


def packet_size(wanted: Any, request: Request) -> int:
    """Bytes of the IP packet. Raises BadRequest, for example when the MTU of the source is not known."""
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return wanted
    match = _SIZE.fullmatch(str(wanted))
    mtu = device_mtu(request.address)
    if match is None or mtu is None:
        raise BadRequest(f"size {wanted!r}: " + ("no route, so no device MTU" if match else "neither a number nor mtu±N"))
    return mtu + int(match[1] or 0)


def open_socket(version: int) -> tuple[socket.socket, bool]:
    """(non-blocking socket, whether it is a raw one). Raises Failed when neither kind is allowed."""
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    problems = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind | socket.SOCK_NONBLOCK, PROTOCOL[version]), kind == socket.SOCK_RAW
        except OSError as error:
            problems.append(f"{'raw' if kind == socket.SOCK_RAW else 'datagram'}: {error.strerror}")
    raise Failed(outcomes.PROBE_ERROR, error=f"no ICMP socket ({', '.join(problems)}); is net.ipv4.ping_group_range set?")


def _prepare(sock: socket.socket, request: Request) -> None:
    discover = kernel.PMTUDISC_PROBE if request.raw.get("df") else kernel.PMTUDISC_DONT
    kernel.report_errors(sock)
    if request.version == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, kernel.IPV6_MTU_DISCOVER, discover)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DONTFRAG, int(bool(request.raw.get("df"))))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, kernel.IP_MTU_DISCOVER, discover)
        sock.setsockopt(socket.IPPROTO_IP, kernel.IP_RECVTTL, 1)
    try:
        sock.connect((request.address, 0))
    except OSError as error:
        raise failure(sock, error.errno or 0) from None


def echo_request(version: int, identifier: int, payload: bytes) -> bytes:
    """RFC 792, RFC 4443 section 4.1. The kernel writes identifier and checksum, except the checksum of raw IPv4 sockets."""
    head = struct.pack("!BBHHH", ECHO_REQUEST[version], 0, 0, identifier, 1)
    check = checksum(head + payload) if version == 4 else 0
    return struct.pack("!BBHHH", ECHO_REQUEST[version], 0, check, identifier, 1) + payload


def checksum(data: bytes) -> int:
    """Internet checksum, RFC 1071."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total: int = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


async def _answered(
    sock: socket.socket, request: Request, payload: bytes, identifier: int | None, deadline: float, result: Attempt
) -> None:
    """Wait for the reply that is ours. Raw sockets (`identifier` given) see every ICMP message of the host."""
    while True:
        data, ancillary, sender = await receive_message(sock, 65535 + 64, deadline)
        if identifier is not None and request.version == 4:
            ancillary, data = [(socket.IPPROTO_IP, kernel.IP_TTL, struct.pack("=i", data[8]))], data[(data[0] & 15) * 4 :]
        if len(data) < 8 or data[0] != ECHO_REPLY[request.version]:
            continue
        if identifier is not None and struct.unpack_from("!H", data, 4)[0] != identifier:
            continue
        if identifier is not None and data[8:40] != payload[:32]:
            continue  # another probe of this agent
        _judge(data[8:], payload, sender, request, result)
        result.reply["ttl"] = _ttl(ancillary)
        return


def _judge(data: bytes, payload: bytes, sender: str, request: Request, result: Attempt) -> None:
    result.reply["from"] = sender
    if sender != request.address:
        result.outcome = outcomes.WRONG_PEER
        result.detail["error"] = f"{sender} answered"
    elif data != payload:
        result.outcome = outcomes.DAMAGED
        result.detail["error"] = f"{len(data)} bytes came back that differ from the {len(payload)} sent"


def _ttl(ancillary: Any) -> int | None:
    wanted = ((socket.IPPROTO_IP, kernel.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT))
    return next((struct.unpack_from("=i", data)[0] for level, kind, data in ancillary if (level, kind) in wanted), None)
