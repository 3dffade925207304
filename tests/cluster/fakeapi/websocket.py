"""The server's half of RFC 6455, as far as an exec needs it."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def read_frame(stream) -> tuple[int, bytes]:
    first, second = _exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", _exactly(stream, 2))
    elif length == 127:
        (length,) = struct.unpack("!Q", _exactly(stream, 8))
    mask = _exactly(stream, 4)
    data = _exactly(stream, length)
    return first & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(data))


def frame(opcode: int, data: bytes) -> bytes:
    head = bytes([0x80 | opcode])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 65536:
        return head + b"\x7e" + struct.pack("!H", len(data)) + data
    return head + b"\x7f" + struct.pack("!Q", len(data)) + data


def relay(stream, connection: socket.socket, agent: socket.socket, mangle) -> None:
    """Copy channel 0 to the agent and the agent's bytes to channel 1; `mangle(bytes) -> bytes | None`, None cuts the connection."""
    lock = threading.Lock()
    connection.sendall(frame(2, b"\x02a warning of the runtime on stderr"))

    def outwards() -> None:
        while data := _receive(agent):
            kept = mangle(data)
            if kept is None:
                connection.sendall(frame(2, b'\x03{"status":"Failure","message":"command terminated with exit code 137"}'))
                connection.shutdown(socket.SHUT_RDWR)
                return
            with lock:
                connection.sendall(frame(2, b"\x01" + kept))

    thread = threading.Thread(target=outwards, daemon=True)
    thread.start()
    try:
        while True:
            opcode, data = read_frame(stream)
            if opcode == 8:
                return
            assert opcode == 2, "stdin must come in binary frames"
            if data[:1] == b"\x00":
                agent.sendall(data[1:])
    except (ConnectionError, OSError):
        return
    finally:
        agent.close()


def _receive(agent: socket.socket) -> bytes:
    try:
        return agent.recv(4096)
    except OSError:
        return b""


def _exactly(stream, count: int) -> bytes:
    data = stream.read(count)
    if data is None or len(data) < count:
        raise ConnectionError
    return data
