"""TCP and UDP on one port, in both families."""

from __future__ import annotations

import asyncio
import errno
import socket

from .. import kernel
from .accounting import Accounting
from .tcp import Connection, Identity
from .udp import Server as UdpServer

ATTEMPTS = 20  # to find a port that is free for TCP and UDP alike
BACKLOG = 1024


class EchoServer:
    """Listens on `bind` ("" = every address of both families); port 0 = any that is free. `port` is the real one."""

    def __init__(self, run: str, endpoint: str, accounting: Accounting) -> None:
        self._identity = Identity(run, endpoint, accounting)
        self.port = 0
        self._tcp: list[asyncio.AbstractServer] = []
        self._udp: list[UdpServer] = []

    async def start(self, bind: str, port: int) -> None:
        """Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        sockets = _bound(bind, port)
        self.port = int(sockets[0].getsockname()[1])
        for sock in sockets:
            if sock.type == socket.SOCK_DGRAM:
                self._udp.append(UdpServer(sock, self._identity))
            else:
                self._tcp.append(await loop.create_server(lambda: Connection(self._identity), sock=sock, backlog=BACKLOG))

    def close(self) -> None:
        """Stop listening."""
        for server in self._tcp:
            server.close()
        for udp in self._udp:
            udp.close()


def _bound(bind: str, port: int) -> list[socket.socket]:
    for attempt in range(ATTEMPTS):
        try:
            return _bind_all(bind, port)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _bind_all(bind: str, port: int) -> list[socket.socket]:
    families = [socket.AF_INET6 if ":" in bind else socket.AF_INET] if bind else [socket.AF_INET, socket.AF_INET6]
    made: list[socket.socket] = []
    try:
        for family in families:
            if family == socket.AF_INET6 and not bind and not _has_ipv6():
                continue
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                made.append(_bind(family, kind, bind, port))
                port = made[0].getsockname()[1]
    except OSError:
        for sock in made:
            sock.close()
        raise
    return made


def _bind(family: int, kind: int, bind: str, port: int) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_TCP, kernel.TCP_SAVE_SYN, 1)
        sock.bind((bind or ("::" if family == socket.AF_INET6 else "0.0.0.0"), port))
    except OSError:
        sock.close()
        raise
    return sock


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::", 0))
    except OSError:
        return False
    return True
