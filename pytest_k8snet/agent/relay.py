"""Carries one control stream between an exec of this program and the agent's socket. Ends when either side does."""

from __future__ import annotations

import os
import select
import socket
import sys
import time

CHUNK = 1 << 16
NO_AGENT = 5  # exit code


def relay(path: str, patience: float) -> int:
    """Waits up to `patience` seconds for the agent to listen."""
    sock = _connected(path, patience)
    if sock is None:
        sys.stderr.write(f"no agent listens on {path}\n")
        return NO_AGENT
    source, sink = sys.stdin.fileno(), sys.stdout.fileno()
    while True:
        ready, _, _ = select.select([source, sock], [], [])
        try:
            if sock in ready and not _pass(sock.recv(CHUNK), sink):
                return 0
            if source in ready:
                data = os.read(source, CHUNK)
                if not data:
                    return 0
                sock.sendall(data)
        except OSError:
            return 0


def _connected(path: str, patience: float) -> socket.socket | None:
    end = time.monotonic() + patience
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
        except OSError:
            sock.close()
            if time.monotonic() >= end:
                return None
            time.sleep(0.02)
        else:
            return sock


def _pass(data: bytes, sink: int) -> bool:
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]
    return bool(data)
