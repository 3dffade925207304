"""A pipe of bytes to an agent, however it is carried."""

from __future__ import annotations

import socket
from typing import Protocol


class ChannelLost(Exception):
    """The pipe cannot be opened or is broken; `str()` says why."""


class Channel(Protocol):
    """Used by one thread at a time."""

    def send(self, data: bytes) -> None:
        """Send everything. Raises ChannelLost."""

    def receive(self, timeout: float) -> bytes:
        """What has arrived; b"" when nothing did within `timeout` seconds. Raises ChannelLost."""

    def close(self) -> None:
        """Close it; never raises."""


class SocketChannel:
    """A channel over a connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def send(self, data: bytes) -> None:
        """See Channel."""
        try:
            self._socket.settimeout(30.0)
            self._socket.sendall(data)
        except OSError as error:
            raise ChannelLost(f"cannot send: {error}") from error

    def receive(self, timeout: float) -> bytes:
        """See Channel."""
        try:
            self._socket.settimeout(timeout)
            data = self._socket.recv(65536)
        except TimeoutError:
            return b""
        except OSError as error:
            raise ChannelLost(f"cannot receive: {error}") from error
        if not data:
            raise ChannelLost("the other end closed")
        return data

    def close(self) -> None:
        """See Channel."""
        self._socket.close()
