"""Agents inside namespaces, run as a restricted pod runs them, and the controller's end of their streams."""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

from pytest_k8snet.collect.bundle import agent_archive

from .world import Namespace

RUN = "r1"
SILENCE = 30  # s; heartbeats come every 5 s
# The agent needs no more than the standard library, and another user must be able to read the interpreter.
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin") or "python3"
RESTRICTED = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
_nonces = itertools.count(1)


def encode(payload: dict[str, Any]) -> bytes:
    """A frame, written down a second time so that both ends cannot be wrong in the same way."""
    body = json.dumps(payload).encode()
    return f"{len(body)} {zlib.crc32(body):08x}\n".encode() + body + b"\n"


class Agent:
    """One `serve` in a namespace, as nobody and without capabilities unless `restricted` is false."""

    def __init__(
        self, space: Namespace, endpoint: str, *options: str, restricted: bool = True, run: str = RUN, python: str = PYTHON
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="k8snet-agent-"))
        self.folder.chmod(0o777)
        self.archive = self.folder / "agent.pyz"
        self.archive.write_bytes(agent_archive())
        self.socket = self.folder / "agent.sock"
        self.space, self.endpoint, self.run_id = space, endpoint, run
        self._prefix = RESTRICTED if restricted else ()
        self._python = python
        arguments = ["serve", "--endpoint", endpoint, "--run", run, "--socket", str(self.socket), *options]
        self.process = space.start(
            [*self._prefix, python, str(self.archive), *arguments], stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]}
        )

    def stream(self, run: str | None = None) -> Stream:
        """A new control stream, through a relay of its own."""
        argv = [*self._prefix, self._python, str(self.archive), "relay", "--socket", str(self.socket)]
        relay = self.space.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        return Stream(relay, run or self.run_id)

    def ended(self, within: float) -> tuple[int, str]:
        """(exit code, last words) of an agent that ends by itself."""
        code = self.process.wait(within)
        return code, self.process.stderr.read().decode()

    def close(self) -> None:
        """Remove its files; the world kills the process."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Stream:
    """Sends requests and reads frames; goes on where the agent's last controller stopped numbering."""

    def __init__(self, relay: subprocess.Popen[bytes], run: str) -> None:
        self.relay, self._run = relay, run
        self._buffer = b""
        self.hello = self.read()
        assert self.hello["kind"] == "hello"
        self._numbers = itertools.count(self.hello["received"] + 1)

    def send(self, do: str, seq: int | None = None, **body: Any) -> int:
        """Send a request, return its number."""
        seq = next(self._numbers) if seq is None else seq
        self.write(encode({"run": self._run, "seq": seq, "do": do, **body}))
        return seq

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.relay.stdin.write(data)
        self.relay.stdin.flush()

    def read(self) -> dict[str, Any]:
        """The next frame, with its checksum verified. Raises EOFError."""
        while b"\n" not in self._buffer:
            self._more()
        header, _, _ = self._buffer.partition(b"\n")
        length, crc = int(header.split()[0]), int(header.split()[1], 16)
        while len(self._buffer) < len(header) + 1 + length + 1:
            self._more()
        body = self._buffer[len(header) + 1 : len(header) + 1 + length]
        assert zlib.crc32(body) == crc
        assert self._buffer[len(header) + 1 + length : len(header) + 2 + length] == b"\n"
        self._buffer = self._buffer[len(header) + 2 + length :]
        return json.loads(body)

    def _more(self) -> None:
        ready, _, _ = select.select([self.relay.stdout], [], [], SILENCE)
        assert ready, f"the agent says nothing for {SILENCE} s"
        data = os.read(self.relay.stdout.fileno(), 1 << 20)
        if not data:
            raise EOFError
        self._buffer += data

    def answers(self, seq: int) -> list[dict[str, Any]]:
        """All frames of one request up to its last one, without heartbeats."""
        found: list[dict[str, Any]] = []
        while not found or found[-1]["kind"] not in ("done", "seen", "pong", "stopped", "error"):
            frame = self.read()
            if frame.get("of") == seq:
                found.append(frame)
        return found

    def ask(self, do: str, **body: Any) -> list[dict[str, Any]]:
        """Send a request and wait for all of its answer."""
        return self.answers(self.send(do, **body))

    def probe(self, action: str, address: str = "", **fields: Any) -> list[dict[str, Any]]:
        """The samples of one probe; by default one sample, no warm-up, 1 s."""
        return self.ask("probe", probes=[request(action, address, **fields)])[0]["samples"]

    def kill(self) -> None:
        """End the relay as a lost connection ends it: without a word."""
        self.relay.kill()
        self.relay.wait()


def request(action: str, address: str = "", **fields: Any) -> dict[str, Any]:
    """A request with a nonce of its own."""
    given = {"id": f"{action}>{address}", "action": action, "nonce": f"{next(_nonces):012x}", "samples": 1, "warmup": 0, "timeout": 1.0}
    given |= {"address": address, "port": 7801, "family": "ipv6" if ":" in address else "ipv4"} if address else {}
    return given | fields


def eventually(condition: Any, seconds: float = 5.0) -> Any:
    """The first true value of `condition()`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.02)
    return value
