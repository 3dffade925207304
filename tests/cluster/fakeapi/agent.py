"""An agent without a network: it speaks the frame protocol, keeps its journal, and answers probes as it is told."""

from __future__ import annotations

import json
import socket
import threading
import zlib


class FakeAgent:
    """One a pod. `answers` results for a "probe"; connections replace each other, the journal stays."""

    def __init__(self, endpoint: str, run: str, answers: int = 3) -> None:
        self.endpoint, self.run, self.answers = endpoint, run, answers
        self.journal: list[bytes] = []
        self.seen: list[int] = []  # numbers of requests carried out
        self._lock = threading.Lock()
        self._current: socket.socket | None = None

    def connect(self) -> socket.socket:
        """The relay's end of a new connection."""
        mine, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(mine,), daemon=True).start()
        return theirs

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._current = connection
            self._send(encode({"run": self.run, "kind": "hello", "endpoint": self.endpoint, "last_seq": len(self.journal)}))
        buffer = b""
        try:
            while data := connection.recv(65536):
                buffer += data
                while b"\n" in buffer:
                    header, _, rest = buffer.partition(b"\n")
                    length = int(header.split()[0])
                    if len(rest) <= length:
                        break
                    buffer = rest[length + 1 :]
                    self._handle(json.loads(rest[:length]))
        except OSError:
            return

    def _handle(self, request: dict) -> None:
        if request["do"] == "resume":
            with self._lock:
                for frame in self.journal[request["after"] :]:
                    self._send(frame)
            return
        if request["seq"] in self.seen:
            return
        self.seen.append(request["seq"])
        if request["do"] == "ping":
            self._add(request, "pong")
        elif request["do"] == "probe":
            for number in range(self.answers):
                self._add(request, "result", id=f"probe{number}", padding="x" * request.get("padding", 0))
            self._add(request, "done", count=self.answers)
        elif request["do"] != "hang":
            self._add(request, "error", text=f"cannot {request['do']}")

    def _add(self, request: dict, kind: str, **body) -> None:
        with self._lock:
            frame = encode({"run": self.run, "seq": len(self.journal) + 1, "of": request["seq"], "kind": kind, **body})
            self.journal.append(frame)
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        try:
            self._current.sendall(frame)
        except OSError:
            return


def encode(payload: dict) -> bytes:
    body = json.dumps(payload).encode()
    return b"%d %08x\n%b\n" % (len(body), zlib.crc32(body), body)
