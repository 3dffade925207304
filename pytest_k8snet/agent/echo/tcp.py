"""The TCP side of the echo server: one line in, one line out, then closed; `bulk` also takes bytes and gives the same back."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from dataclasses import dataclass, field
from typing import Any

from .. import kernel
from . import headers, protocol
from .accounting import Accounting

IDLE_SECONDS = 15.0  # without progress
CONNECTION_LIMIT = 2048
HELD_LIMIT = 48 * 1024 * 1024  # bytes of all connections; the pod may have 256 MiB and they are copied on the way back


@dataclass
class Identity:
    """Who answers."""

    run: str
    endpoint: str
    accounting: Accounting
    connections: int = 0
    held: int = 0  # bytes received and not yet given back
    reading: set[asyncio.Transport] = field(default_factory=set)  # in the middle of a transfer
    paused: list[asyncio.Transport] = field(default_factory=list)

    def hold(self, size: int, transport: asyncio.Transport) -> None:
        """Note bytes that came; beyond the limit all transfers but one wait, so that no two wait for each other."""
        self.held += size
        if transport.is_closing():
            self.reading.discard(transport)
        else:
            self.reading.add(transport)
        if self.held > HELD_LIMIT and len(self.reading) > 1 and transport in self.reading:
            self.reading.discard(transport)
            self.paused.append(transport)
            transport.pause_reading()
        self._go_on()

    def release(self, size: int, transport: asyncio.Transport) -> None:
        """Forget a connection that ended."""
        self.held -= size
        self.reading.discard(transport)
        self._go_on()

    def _go_on(self) -> None:
        while self.paused and (self.held <= HELD_LIMIT or not self.reading):
            transport = self.paused.pop(0)
            if not transport.is_closing():
                self.reading.add(transport)
                transport.resume_reading()


class Connection(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._buffer = bytearray()
        self._asked: protocol.Question | None = None
        self._seen: dict[str, Any] = {}
        self._held = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read the SYN that the kernel saved, before it is asked for in a hurry."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, transport.abort)
        self._identity.connections += 1
        if self._identity.connections > CONNECTION_LIMIT:
            transport.abort()

    def connection_lost(self, reason: Exception | None) -> None:
        """Forget it."""
        self._timer.cancel()
        self._identity.connections -= 1
        self._identity.release(self._held, self._transport)

    def data_received(self, data: bytes) -> None:
        """Wait for a whole question, then for its bytes."""
        self._buffer += data
        if self._asked is None:
            self._read_question()
        if self._asked is not None and len(self._buffer) >= self._asked.size:
            self._answer(self._asked)
        elif self._asked is not None:
            self._progress()
        self._held += len(data)
        self._identity.hold(len(data), self._transport)

    def _read_question(self) -> None:
        end = self._buffer.find(b"\n", 0, protocol.LINE_LIMIT) + 1
        if not end and len(self._buffer) < protocol.LINE_LIMIT:
            return
        self._asked = protocol.parse_question(bytes(self._buffer[:end]))
        if self._asked is None:
            self._transport.close()
            return
        del self._buffer[:end]
        self._seen = self._see()
        self._identity.accounting.count(self._asked.run, self._asked.nonce, self._asked.action, self._seen["peer"], self._seen["ttl"])
        if self._asked.run != self._identity.run:  # strangers get nothing, not even words
            self._asked = None
            self._transport.abort()

    def _see(self) -> dict[str, Any]:
        sock, peer = self._transport.get_extra_info("socket"), self._transport.get_extra_info("peername")
        try:
            syn = sock.getsockopt(socket.IPPROTO_TCP, kernel.TCP_SAVED_SYN, 512)
        except OSError:
            syn = b""
        local = self._transport.get_extra_info("sockname")
        return {"peer": peer[0], "peer_port": peer[1], "local": local[0], "port": local[1], **headers.parse_syn(syn)}

    def _answer(self, asked: protocol.Question) -> None:
        data = bytes(self._buffer[: asked.size])
        if asked.size:
            self._seen["sha256"] = hashlib.sha256(data).hexdigest()
            self._seen["bytes"] = len(data)
        self._transport.write(protocol.answer(self._identity.run, self._identity.endpoint, asked, self._seen))
        if data:  # in a segment of its own: the small answer passes where the large ones do not
            self._transport.write(data)
        self._transport.close()

    def _progress(self) -> None:
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._transport.abort)
