"""Waiting for a socket up to a deadline, without a task or a thread per wait."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Callable


class Late(Exception):
    """The deadline passed; `seconds` is how much later than that this process noticed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def now() -> float:
    """Seconds on the clock of deadlines."""
    return asyncio.get_running_loop().time()


async def readable(sock: socket.socket, deadline: float) -> None:
    """Return when a read would not block, an error is queued or the peer is gone. Raises Late."""
    loop = asyncio.get_running_loop()
    await _until(loop, sock.fileno(), deadline, loop.add_reader, loop.remove_reader)


async def writable(sock: socket.socket, deadline: float) -> None:
    """Return when a write would not block, or an error is there to be read. Raises Late."""
    loop = asyncio.get_running_loop()
    await _until(loop, sock.fileno(), deadline, loop.add_writer, loop.remove_writer)


async def _until(
    loop: asyncio.AbstractEventLoop, descriptor: int, deadline: float, add: Callable[..., Any], remove: Callable[[int], bool]
) -> None:
    future: asyncio.Future[None] = loop.create_future()
    timer = loop.call_at(deadline, _expire, future, deadline)
    add(descriptor, _wake, future)
    try:
        await future
    finally:
        timer.cancel()
        remove(descriptor)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _expire(future: asyncio.Future[None], deadline: float) -> None:
    if not future.done():
        future.set_exception(Late(future.get_loop().time() - deadline))
