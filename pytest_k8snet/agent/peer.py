"""The second container of a probe pod: an echo server on loopback, to prove that containers of a pod share it."""

from __future__ import annotations

import asyncio
import signal

from .echo.accounting import Accounting
from .echo.server import EchoServer


def peer(run: str, endpoint: str, port: int, life: float) -> int:
    """Answer on 127.0.0.1 until the end of its life or a signal."""
    return asyncio.run(_serve(run, endpoint, port, life))


async def _serve(run: str, endpoint: str, port: int, life: float) -> int:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    loop.call_later(life, end.set)
    server = EchoServer(run, endpoint, Accounting(run))
    await server.start("127.0.0.1", port)
    await end.wait()
    server.close()
    return 0
