"""The nameserver of pods with dnsPolicy None: knows one name that nobody else knows, so its answer proves who was asked."""

from __future__ import annotations

import asyncio
import struct
from typing import cast

from . import wire

ZONE = {"who.k8snet.test": {"A": ["192.0.2.53"]}}
NXDOMAIN = 3


def answer(data: bytes) -> bytes | None:
    """Reply to one message; None when it is no question."""
    try:
        asked = wire.parse(data)
    except wire.BadMessage:
        return None
    if asked.response or asked.question is None:
        return None
    known = ZONE.get(asked.question[0].rstrip(".").lower())
    return wire.reply(asked, NXDOMAIN if known is None else 0, (known or {}).get(asked.question[1], []))


class _Udp(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # before Python 3.12 it is none by inheritance

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        reply = answer(data)
        if reply is not None:
            self._transport.sendto(reply, address)


async def _tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        (size,) = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), 5))
        reply = answer(await asyncio.wait_for(reader.readexactly(size), 5))
        if reply is not None:
            writer.write(struct.pack("!H", len(reply)) + reply)
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError):
        pass
    finally:
        writer.close()


async def start(address: str = "127.0.0.1", port: int = 53) -> None:
    """Serve until the process ends. Raises OSError when the port cannot be had."""
    await asyncio.get_running_loop().create_datagram_endpoint(_Udp, local_addr=(address, port))
    await asyncio.start_server(_tcp, address, port)
