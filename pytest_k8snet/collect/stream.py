"""A control stream to one agent: requests out, frames back, in order and exactly once, over a channel that may break and be reopened."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_k8snet.cluster.channel import Channel, ChannelLost, SocketChannel
from pytest_k8snet.model.endpoint import Endpoint

from .manifests_agent import bundle
from .stream_codec import Damage, Decoder, encode

TERMINAL = frozenset({"done", "seen", "pong", "stopped"})
SILENCE = 15.0  # s without any byte: the agent beats every 5 s
IDLE = 120.0  # s without a frame of the request under way, beats aside
ALIVE = 30.0  # s between signs of life to an agent that works on a long request: it ends when nobody controls it
GREETING = 20.0  # s for the first frame of a new channel
START = 10.0  # s for the agent of this process to come up
PAUSES = (0.0, 1.0, 3.0)  # s before each attempt to reopen

Frame = dict[str, Any]
Report = Callable[[Mapping[str, Any]], None]


def _ignore(event: Mapping[str, Any]) -> None:
    """Nobody asked for the events of this stream."""


class StreamLost(Exception):
    """The agent cannot be talked to any more, or would not do what was asked; `str()` says why."""


class Stream:
    """Frames carry sequence numbers without gaps; only the next one is taken, anything missing is asked for again.

    One request at a time; a second thread waits. Losses that were survived are reported as events.
    """

    def __init__(self, endpoint: Endpoint, run: str, connect: Callable[[], Channel], report: Report) -> None:
        self.endpoint = endpoint
        self.hello: Frame = {}
        self._run, self._connect, self._report = run, connect, report
        self._channel: Channel | None = None
        self._decoder, self._pending = Decoder(), list[Frame | Damage]()
        self._sent = 0  # number of the last request
        self._last = 0  # number of the last frame taken
        self._newest = 0  # number of the last frame that arrived
        self._asked = -1  # frame after which the agent was last asked to resume
        self._lock = threading.Lock()

    def open(self) -> None:
        """Connect and read the agent's greeting; nothing to do when open. Raises StreamLost."""
        if self._channel is None:
            self._retry(self._attach)

    def request(self, do: str, **body: Any) -> Iterator[Frame]:
        """Ask once and yield the frames of the answer, up to and including the last. Raises StreamLost."""
        with self._lock:
            self.open()
            self._sent += 1
            question = {"run": self._run, "seq": self._sent, "do": do, **body}
            self._deliver(question)
            yield from self._answers(question)

    def close(self) -> None:
        """Close the channel; the agent goes on until it is stopped or notices the silence."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _answers(self, question: Frame) -> Iterator[Frame]:
        progress = spoken = time.monotonic()
        while True:
            if time.monotonic() - spoken > ALIVE:
                spoken = time.monotonic()
                self._ping(question)
            frame = self._next(question)
            if frame is not None and frame.get("of") == question["seq"]:
                progress = time.monotonic()
                if frame["kind"] == "error":
                    raise StreamLost(f"{self.endpoint} refuses {question['do']!r}: {frame.get('text', 'no reason given')}")
                yield frame
                if frame["kind"] in TERMINAL:
                    return
            if time.monotonic() - progress > IDLE:
                raise StreamLost(f"{self.endpoint} gives no answer to {question['do']!r} within {IDLE:.0f} s")

    def _ping(self, question: Frame) -> None:
        """A sign of life; its answer belongs to no request that anybody waits for."""
        self._sent += 1
        try:
            self._send({"run": self._run, "seq": self._sent, "do": "ping"})
        except ChannelLost as loss:
            self._recover(question, str(loss))

    def _next(self, question: Frame) -> Frame | None:
        """The next frame of the journal, or None when there was something else (a beat, damage, a repetition)."""
        try:
            return self._accept(self._receive())
        except ChannelLost as loss:
            self._recover(question, str(loss))
            return None

    def _accept(self, item: Frame | Damage) -> Frame | None:
        if isinstance(item, Damage):
            return self._damaged(item)
        if item.get("run") != self._run:
            self._report({"what": "foreign-frame", "source": str(self.endpoint), "run": str(item.get("run"))})
            return None
        return self._take(item) if isinstance(item.get("seq"), int) and item.get("kind") not in ("beat", "hello") else None

    def _take(self, frame: Frame) -> Frame | None:
        """Only the frame after the last one is taken; before a gap the agent is asked to go back, once."""
        number, newest = frame["seq"], self._newest
        self._newest = number
        if number <= self._last:
            return None
        if number > self._last + 1:
            if self._asked != self._last or number > newest:
                self._resume()
                return None
            self._report({"what": "frames-missing", "source": str(self.endpoint), "first": self._last + 1, "last": number - 1})
        self._last = number
        return frame

    def _damaged(self, damage: Damage) -> Frame | None:
        self._report({"what": "damaged-frame", "source": str(self.endpoint), "reason": damage.reason})
        if self._asked == self._last:
            self._last += 1  # damaged again: whatever it was, it is not observed
        self._resume()
        return None

    def _resume(self) -> None:
        """Ask once for everything after the last frame taken."""
        if self._asked != self._last:
            self._asked = self._last
            self._send({"run": self._run, "seq": 0, "do": "resume", "after": self._last})

    def _recover(self, question: Frame, reason: str) -> None:
        """A new channel, the frames that were missed, and the question again: the agent ignores one that it knows."""
        self._report({"what": "stream-reopened", "source": str(self.endpoint), "reason": reason})
        self.close()
        self._retry(lambda: self._reattach(question))

    def _reattach(self, question: Frame) -> None:
        self._attach()
        self._asked, self._newest = -1, 0
        self._resume()
        self._send(question)

    def _retry(self, act: Callable[[], None]) -> None:
        for pause in PAUSES:
            time.sleep(pause)
            try:
                return act()
            except ChannelLost as error:
                self.close()
                reason = str(error)
            except StreamLost:
                self.close()
                raise
        raise StreamLost(f"{self.endpoint}: {reason}")

    def _attach(self) -> None:
        """Open a channel whose first frame is the greeting of the right agent of this run."""
        self._channel, self._decoder, self._pending = self._connect(), Decoder(), []
        deadline = time.monotonic() + GREETING
        while time.monotonic() < deadline:
            item = self._item(1.0)
            if isinstance(item, dict) and item.get("kind") == "hello":
                return self._welcome(item)
        raise ChannelLost(f"no greeting within {GREETING:.0f} s")

    def _welcome(self, hello: Frame) -> None:
        if hello.get("run") != self._run or hello.get("endpoint") != str(self.endpoint):
            raise StreamLost(f"{self.endpoint}: another agent answers: {hello.get('endpoint')!r} of run {hello.get('run')!r}")
        if hello.get("last_seq", 0) < self._last:
            raise StreamLost(f"{self.endpoint}: the agent was restarted, what it knew is lost")
        for problem in hello.get("problems") or () if not self.hello else ():
            self._report({"what": "agent-problem", "source": str(self.endpoint), "problem": str(problem)})
        self.hello = hello

    def _deliver(self, question: Frame) -> None:
        try:
            self._send(question)
        except ChannelLost as loss:
            self._recover(question, str(loss))

    def _send(self, payload: Frame) -> None:
        if self._channel is None:
            raise ChannelLost("the stream is closed")
        self._channel.send(encode(payload))

    def _receive(self) -> Frame | Damage:
        """The next item. Raises ChannelLost when the agent is silent for longer than three heartbeats."""
        deadline = time.monotonic() + SILENCE
        while time.monotonic() < deadline:
            item = self._item(deadline - time.monotonic())
            if item is not None:
                return item
        raise ChannelLost(f"no heartbeat for {SILENCE:.0f} s")

    def _item(self, timeout: float) -> Frame | Damage | None:
        if not self._pending:
            if self._channel is None:
                raise ChannelLost("the stream is closed")
            self._pending = list(self._decoder.feed(self._channel.receive(max(timeout, 0.001))))
        return self._pending.pop(0) if self._pending else None


class LocalStream:
    """An agent as a child of this process, reached over its socket without any cluster; started at once.

    `bind` is the one address its echo server listens on, `hello["echo_port"]` the port. Raises StreamLost if it does not start.
    """

    def __init__(
        self, endpoint: Endpoint, run_id: str, bind: str, silence: float = 120.0, life: float = 3600.0, report: Report = _ignore
    ) -> None:
        self.endpoint = endpoint
        self._folder = tempfile.TemporaryDirectory(prefix="k8snet-")
        self._process = _start(Path(self._folder.name), str(endpoint), run_id, bind, silence, life)
        self._stream = Stream(endpoint, run_id, self._connect, report)
        try:
            self._stream.open()
        except StreamLost:
            self.close()
            raise

    @property
    def hello(self) -> Frame:
        """The agent's greeting."""
        return self._stream.hello

    def request(self, do: str, **body: Any) -> Iterator[Frame]:
        """See Stream."""
        return self._stream.request(do, **body)

    def close(self) -> None:
        """Stop the agent and wait for it."""
        self._stream.close()
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _connect(self) -> Channel:
        """Wait until the socket is there. Raises ChannelLost with the agent's own words if it ended."""
        path = Path(self._folder.name)
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self._process.poll() is None:
            connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connected.connect(str(path / "agent.sock"))
                return SocketChannel(connected)
            except OSError:
                connected.close()
                time.sleep(0.02)
        words = (path / "stderr").read_text(errors="replace").split("\n")
        raise ChannelLost(f"the agent of this process does not run: {next((w for w in reversed(words) if w.strip()), 'it says nothing')}")


def _start(folder: Path, endpoint: str, run: str, bind: str, silence: float, life: float) -> subprocess.Popen[bytes]:
    program = folder / "agent.pyz"
    program.write_bytes(bundle())
    command = [sys.executable, str(program), "serve", "--endpoint", endpoint, "--run", run, "--socket", str(folder / "agent.sock")]
    command += ["--echo-port", "0", "--bind", bind, "--silence", str(silence), "--life", str(life)]
    with (folder / "stderr").open("wb") as stderr:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
