"""The agent itself: takes requests, answers echo questions, and ends by itself when nobody controls it any more."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from . import facts, framing, tools
from .control import Control
from .dns import server as dns_server
from .echo.accounting import Accounting
from .echo.server import EchoServer
from .journal import Journal
from .probing.attempt import Context
from .probing.gate import Gate
from .probing.reach import wait_until_reached
from .probing.runner import Runner

BLOCKING_THREADS = 8
CHECK_SECONDS = 0.2
GRACE_SECONDS = 10  # after --life, should the loop itself hang
FLUSH_SECONDS = 1.0
STOPPED, SILENCE, LIFE = 0, 3, 4  # exit codes


@dataclass(frozen=True)
class Settings:
    """What the command line says; seconds for `silence` and `life`."""

    endpoint: str
    run: str
    socket: str
    echo_port: int
    bind: str
    dns: bool
    silence: float
    life: float
    resolv_conf: str
    second_port: int = 0
    ready_file: str = ""
    linger: float = 0.0


@dataclass
class Agent:
    """One run of `serve`."""

    settings: Settings
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = self.settings
        self._loop = asyncio.get_running_loop()
        self._journal = Journal(settings.run)
        self._accounting = Accounting(settings.run)
        self._echo = EchoServer(settings.run, settings.endpoint, self._accounting)
        self._second = EchoServer(settings.run, settings.endpoint, self._accounting)
        self._control = Control(self._journal, self._hello, self._handle)
        self._executor = ThreadPoolExecutor(BLOCKING_THREADS)
        self._context = Context(settings.run, settings.endpoint, settings.resolv_conf, self._executor, Gate())
        self._tools: dict[str, str] = {}
        self._heard = self._born = self._loop.time()
        self._received: dict[int, int] = {}  # number of a request -> checksum of its content
        self._works: set[asyncio.Future[None]] = set()
        self._end: asyncio.Future[tuple[int, str]] = self._loop.create_future()

    async def run(self) -> int:
        """Serve until the end; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._told)
        signal.signal(signal.SIGALRM, lambda *_: os._exit(LIFE))  # as PID 1 it needs a handler of its own
        signal.alarm(int(self.settings.life) + GRACE_SECONDS)
        await self._open()
        background = [asyncio.ensure_future(self._control.beat()), asyncio.ensure_future(self._watch())]
        code, reason = await self._end
        await self._control.flush(FLUSH_SECONDS)
        for work in background:
            work.cancel()
        self._close()
        sys.stderr.write(f"k8snet agent {self.settings.endpoint}: {reason}\n")
        return code

    async def _open(self) -> None:
        """A port that is taken costs what needs it, and is told; without the control socket there is no use in going on."""
        try:
            await self._echo.start(self.settings.bind, self.settings.echo_port)
        except OSError as error:
            self.problems.append(f"echo port {self.settings.echo_port}: {error.strerror}")
        if self.settings.second_port:
            await self._second.start(self.settings.bind, self.settings.second_port)
        if self.settings.dns:
            try:
                await dns_server.start()
            except OSError as error:
                self.problems.append(f"DNS port 53: {error.strerror}")
        self._tools = await tools.found()
        self._show(True)
        await self._control.start(self.settings.socket)

    def _close(self) -> None:
        self._echo.close()
        self._second.close()
        if os.path.exists(self.settings.socket):
            os.unlink(self.settings.socket)

    def _hello(self) -> Mapping[str, Any]:
        return {
            "endpoint": self.settings.endpoint, "echo_port": self._echo.port, "tools": self._tools, "problems": self.problems,
            "python": sys.version.split()[0], "uid": os.getuid(), "pid": os.getpid(), "received": max(self._received, default=0),
        }  # fmt: skip

    async def _watch(self) -> None:
        """The dead-man switch."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            now = self._loop.time()
            if now - self._born >= self.settings.life:
                self._finish(LIFE, f"its life of {self.settings.life:g} s is over")
            if now - self._heard >= self.settings.silence:
                self._finish(SILENCE, f"no controller for {self.settings.silence:g} s")

    def _told(self) -> None:
        """A signal. A pod that is being deleted may go on answering for a while, as applications do that drain their connections."""
        self._loop.call_later(self.settings.linger, self._finish, STOPPED, "told to end by a signal")

    def _show(self, ready: bool) -> None:
        """Readiness as a file, which the kubelet looks for: no network takes part in it."""
        if not self.settings.ready_file:
            return
        if ready:
            with open(self.settings.ready_file, "w", encoding="ascii"):
                pass
        elif os.path.exists(self.settings.ready_file):
            os.unlink(self.settings.ready_file)

    def _finish(self, code: int, reason: str) -> None:
        if not self._end.done():
            self._end.set_result((code, reason))

    def _handle(self, frame: Mapping[str, Any]) -> None:
        """A frame of this run. Works go on side by side."""
        self._heard = self._loop.time()
        if frame.get("do") == "resume":
            return
        seq = frame.get("seq")
        if not isinstance(seq, int):
            self._journal.add("error", None, text=f"seq {seq!r} is no number")
        elif self._is_new(seq, frame):
            work = asyncio.ensure_future(self._work(seq, frame))
            self._works.add(work)
            work.add_done_callback(self._works.discard)

    def _is_new(self, seq: int, frame: Mapping[str, Any]) -> bool:
        """A request that was received before is not done again: its answers are in the journal."""
        content = zlib.crc32(framing.encode(frame))
        known = self._received.get(seq)
        self._received.setdefault(seq, content)
        if known not in (None, content):
            text = f"seq {seq} was another request before; go on from {max(self._received) + 1}"
            self._journal.add("error", seq, text=text)
        return known is None

    async def _work(self, seq: int, frame: Mapping[str, Any]) -> None:
        do = str(frame.get("do"))
        action = {
            "probe": self._probe, "facts": self._facts, "seen": self._seen, "wait": self._wait, "ping": self._ping, "stop": self._stop,
            "ready": self._ready,
        }.get(do)  # fmt: skip
        try:
            if action is None:
                raise ValueError(f"do {do!r} is not known")
            await action(seq, frame)
        except Exception as error:  # a request that cannot be done is told to the controller and costs nothing else
            text = str(error) if isinstance(error, ValueError) else repr(error)
            self._journal.add("error", seq, text=text)

    async def _probe(self, seq: int, frame: Mapping[str, Any]) -> None:
        probes = _list(frame, "probes")

        def report(body: dict[str, Any]) -> None:
            self._journal.add("result", seq, **body)

        await Runner(self._context, report, int(frame.get("parallel", 32)), float(frame.get("rate") or 0)).run(probes)
        self._journal.add("done", seq, count=len(probes))

    async def _facts(self, seq: int, frame: Mapping[str, Any]) -> None:
        readers = _list(frame, "readers")
        count = 0

        def report(body: dict[str, Any]) -> None:
            nonlocal count
            count += 1
            self._journal.add("fact", seq, **body)

        await facts.Readers(self._executor, report, float(frame.get("timeout", 10))).run(readers)
        self._journal.add("done", seq, count=count)

    async def _seen(self, seq: int, frame: Mapping[str, Any]) -> None:
        self._journal.add("seen", seq, **self._accounting.seen())

    async def _wait(self, seq: int, frame: Mapping[str, Any]) -> None:
        self._journal.add("done", seq, **await wait_until_reached(self._context, frame))

    async def _ready(self, seq: int, frame: Mapping[str, Any]) -> None:
        self._show(bool(frame.get("ready")))
        self._journal.add("done", seq, ready=bool(frame.get("ready")))

    async def _ping(self, seq: int, frame: Mapping[str, Any]) -> None:
        self._journal.add("pong", seq)

    async def _stop(self, seq: int, frame: Mapping[str, Any]) -> None:
        self._journal.add("stopped", seq)
        self._finish(STOPPED, "told to stop")


def _list(frame: Mapping[str, Any], key: str) -> list[Any]:
    value = frame.get(key)
    if not isinstance(value, list):
        raise ValueError(f"{key} is no list")
    return value


def serve(settings: Settings) -> int:
    """Run an agent; returns its exit code. What is still under way is left as it is: the process is about to end."""

    async def main() -> int:
        return await Agent(settings).run()

    return asyncio.new_event_loop().run_until_complete(main())
