"""Raw packets for the walker's tests: sent whole from one namespace, seen whole in others, told apart by their IP id."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
ETH_P_IP = 0x0800
PKTINFO = 8  # IP_PKTINFO, which Python 3.11 does not name


@dataclass(frozen=True, slots=True)
class Seen:
    """A packet as it arrived; `quoted` is the id of the packet that an ICMP error is about, else None."""

    id: int
    src: str
    dst: str
    protocol: str
    dport: int | None
    quoted: int | None = None


def build(ident: int, src: str, dst: str, protocol: str, sport: int, dport: int, answers: int = 0) -> bytes:
    """An IPv4 packet: a UDP datagram, a SYN, or an echo request with id `sport`. An answer to a packet's id: SYN+ACK, echo reply."""
    if protocol == "udp":
        body = struct.pack("!HHHHH", sport, dport, 10, 0, ident)
    elif protocol == "tcp":
        body = struct.pack("!HHIIBBHHH", sport, dport, ident, answers and answers + 1, 0x50, 0x12 if answers else 0x02, 64240, 0, 0)
    else:
        body = struct.pack("!BBHHH", 0 if answers else 8, 0, 0, dport if answers else sport, 1) + b"wire"
    body = _with_checksum(body, src, dst, protocol)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident, 0, 64, PROTOCOLS[protocol], 0, _raw(src), _raw(dst)) + body


def _with_checksum(body: bytes, src: str, dst: str, protocol: str) -> bytes:
    pseudo = b"" if protocol == "icmp" else _raw(src) + _raw(dst) + struct.pack("!BBH", 0, PROTOCOLS[protocol], len(body))
    place = {"udp": 6, "tcp": 16, "icmp": 2}[protocol]
    data = pseudo + body + b"\0" * (len(body) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return body[:place] + struct.pack("!H", ~total & 0xFFFF) + body[place + 2 :]


def _raw(address: str) -> bytes:
    return IPv4Address(address).packed


def parse(data: bytes) -> Seen:
    """Read what arrived."""
    size = (data[0] & 15) * 4
    (ident,) = struct.unpack_from("!H", data, 4)
    protocol = next((name for name, number in PROTOCOLS.items() if number == data[9]), str(data[9]))
    src, dst = str(IPv4Address(data[12:16])), str(IPv4Address(data[16:20]))
    quoted = struct.unpack_from("!H", data, size + 8 + 4)[0] if protocol == "icmp" and data[size] == 3 else None
    dport = struct.unpack_from("!H", data, size + 2)[0] if protocol in ("tcp", "udp") else None
    return Seen(ident, src, dst, protocol, dport, quoted)


class Tap:
    """Everything IPv4 that a namespace receives; must be made inside it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> Iterator[Seen]:
        """All packets that wait."""
        while select.select([self], [], [], 0)[0]:
            data, address = self._socket.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING:
                yield parse(data)

    def until(self, ident: int, timeout: float = 5.0) -> list[Seen]:
        """All packets up to the one with that id, which must come."""
        found: list[Seen] = []
        deadline = time.monotonic() + timeout
        while not any(seen.id == ident for seen in found):
            left = deadline - time.monotonic()
            assert left > 0, "the barrier packet did not come"
            select.select([self], [], [], left)
            found += self.drain()
        return found

    def close(self) -> None:
        self._socket.close()


class Sender:
    """Sends whole IPv4 packets; must be made inside the namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, packet: bytes) -> None:
        """A local refusal (EPERM from OUTPUT) is part of what is observed: the packet just does not arrive."""
        try:
            self._socket.sendto(packet, (str(IPv4Address(packet[16:20])), 0))
        except PermissionError:
            return

    def close(self) -> None:
        self._socket.close()


class Inbox:
    """Datagrams that the namespace's own sockets got on a few ports, with the address they were for."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self._sockets = [self._bound(port) for port in ports]

    @staticmethod
    def _bound(port: int) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.setsockopt(socket.IPPROTO_IP, PKTINFO, 1)
        bound.bind(("0.0.0.0", port))
        bound.setblocking(False)
        return bound

    def drain(self) -> dict[int, Seen]:
        """Id of the packet -> what was delivered."""
        found = {}
        for bound in self._sockets:
            while select.select([bound], [], [], 0)[0]:
                data, control, _, (src, _) = bound.recvmsg(2048, 256)
                (ident,) = struct.unpack("!H", data)
                info = next(data for level, kind, data in control if (level, kind) == (socket.IPPROTO_IP, PKTINFO))
                found[ident] = Seen(ident, src, str(IPv4Address(info[8:12])), "udp", bound.getsockname()[1])
        return found

    def close(self) -> None:
        for bound in self._sockets:
            bound.close()
