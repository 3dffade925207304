"""The UDP side of the echo server: answers from the address that was asked (IP_PKTINFO) and tells the TTL it saw (IP_RECVTTL)."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence

from .. import kernel
from . import protocol
from .tcp import Identity

BURST = 64  # datagrams per turn of the loop, so that other work gets its turn
Ancillary = Sequence[tuple[int, int, bytes]]


def prepare(sock: socket.socket) -> None:
    """Ask for the TTL and the destination address of every datagram."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, kernel.IP_RECVTTL, 1)
        sock.setsockopt(socket.IPPROTO_IP, kernel.IP_PKTINFO, 1)


class Server:
    """One socket of one family."""

    def __init__(self, sock: socket.socket, identity: Identity) -> None:
        self._sock, self._identity, self._port = sock, identity, sock.getsockname()[1]
        sock.setblocking(False)
        prepare(sock)
        asyncio.get_running_loop().add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop answering."""
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        self._sock.close()

    def _readable(self) -> None:
        for _ in range(BURST):
            try:
                data, ancillary, _, peer = self._sock.recvmsg(2048, 256)
            except OSError:  # nothing more, or an ICMP error about an answer of ours
                return
            asked = protocol.parse_question(data)
            if asked is not None:
                self._answer(asked, ancillary, peer)

    def _answer(self, asked: protocol.Question, ancillary: Ancillary, peer: tuple[str, int]) -> None:
        ttl, local, source = arrival(ancillary)
        self._identity.accounting.count(asked.run, asked.nonce, asked.action, peer[0], ttl)
        if asked.run != self._identity.run:
            return  # an answer larger than the question, to an address that may be forged
        seen = {"peer": peer[0], "peer_port": peer[1], "local": local, "port": self._port, "ttl": ttl, "mss": None}
        line = protocol.answer(self._identity.run, self._identity.endpoint, asked, seen)
        try:
            self._sock.sendmsg([line], source, 0, peer)
        except OSError:  # the client sees a timeout, which is what happened
            return


def arrival(ancillary: Ancillary) -> tuple[int | None, str, Ancillary]:
    """(TTL, address the datagram was sent to, ancillary data that answer from that address)."""
    ttl, local, source = None, "", []
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, kernel.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)):
            ttl = struct.unpack_from("=i", data)[0]
        elif (level, kind) == (socket.IPPROTO_IP, kernel.IP_PKTINFO):
            local = socket.inet_ntop(socket.AF_INET, data[8:12])
            source = [(level, kind, struct.pack("=i4s4s", 0, data[8:12], bytes(4)))]
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            local = socket.inet_ntop(socket.AF_INET6, data[:16])
            index = data[16:20] if local.startswith("fe80") else bytes(4)  # only link-local answers are bound to a device
            source = [(level, kind, data[:16] + index)]
    return ttl, local, source
