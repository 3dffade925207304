"""Servers that are not ours, in threads of the test, bound inside a namespace."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .world import Namespace

Answer = Callable[[bytes], bytes | None]


@contextmanager
def udp_server(space: Namespace, address: str, port: int, answer: Answer) -> Iterator[list[bytes]]:
    """Answers each datagram with what `answer` says (None: not at all). Gives the list of what it received."""
    received: list[bytes] = []
    with space.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, port))

        def serve() -> None:
            while True:
                data, peer = server.recvfrom(65535)
                if data == b"end":
                    return
                received.append(data)
                reply = answer(data)
                if reply is not None:
                    server.sendto(reply, peer)

        with _thread(serve):
            yield received
            with space.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", (address, port))


@contextmanager
def tcp_server(space: Namespace, address: str, port: int, answer: Answer) -> Iterator[list[bytes]]:
    """One read, one answer, then closed, for each connection. Gives the list of what it received."""
    received: list[bytes] = []
    with space.inside(), socket.create_server((address, port)) as server:

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    data = connection.recv(65535)
                    if data == b"end":
                        return
                    received.append(data)
                    connection.sendall(answer(data) or b"")

        with _thread(serve):
            yield received
            with space.inside(), socket.create_connection((address, port)) as last:
                last.sendall(b"end")


@contextmanager
def _thread(target: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    yield
    thread.join(5)
    assert not thread.is_alive()
