"""The unix socket on which the controller's relay arrives: one stream at a time, a new one takes over."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Callable

from . import framing
from .journal import Journal

BEAT_SECONDS = 5.0
BATCH_BYTES = 256 * 1024
DAMAGE_LIMIT = 100  # damaged frames on one stream, then it is closed
Handle = Callable[[Mapping[str, Any]], None]
Hello = Callable[[], Mapping[str, Any]]


class Link:
    """One stream. It is sent nothing of the journal before the controller spoke: only then is clear from where on."""

    def __init__(self, writer: asyncio.StreamWriter, journal: Journal) -> None:
        self._writer, self._journal = writer, journal
        self._begin = journal.last
        self._position: int | None = None
        self._urgent: list[bytes] = []
        self._wake = asyncio.Event()
        self.damages = 0

    def say(self, kind: str, **body: Any) -> None:
        """Send a frame that is not numbered and not kept."""
        self._urgent.append(framing.encode({"run": self._journal.run, "kind": kind, **body}))
        self._wake.set()

    def beat(self) -> None:
        """Say that the agent lives, unless earlier words are still waiting."""
        if not self._urgent:
            self.say("beat")

    def flow(self, after: int | None = None) -> None:
        """Send the journal's frames after that number; None = go on, or start with what came up since the stream was opened."""
        if after is not None:
            self._position = after
        elif self._position is None:
            self._position = self._begin
        self._wake.set()

    def grown(self) -> None:
        """The journal has something new."""
        self._wake.set()

    async def pump(self) -> None:
        """Write until the stream breaks; its slowness never slows the probes."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while data := self._due():
                self._writer.write(data)
                await self._writer.drain()

    def _due(self) -> bytes:
        urgent, self._urgent = b"".join(self._urgent), []
        if self._position is None:
            return urgent
        kept, self._position = self._journal.after(self._position, BATCH_BYTES)
        return urgent + kept

    @property
    def drained(self) -> bool:
        """Whether everything was handed to the kernel."""
        behind = self._position is not None and self._position < self._journal.last
        return not self._urgent and not behind and self._writer.transport.get_write_buffer_size() == 0

    def close(self) -> None:
        """Cut it off."""
        self._writer.transport.abort()


class Control:
    """`handle` gets every frame of this run; frames that are damaged or of another run are answered by an error."""

    def __init__(self, journal: Journal, hello: Hello, handle: Handle) -> None:
        self._journal, self._hello, self._handle = journal, hello, handle
        self._link: Link | None = None
        journal.grown = self._grown

    async def start(self, path: str) -> None:
        """Listen. A socket that a dead agent left there is replaced; only this user may connect."""
        if os.path.exists(path):
            os.unlink(path)
        before = os.umask(0o177)
        try:
            await asyncio.start_unix_server(self._accept, path)
        finally:
            os.umask(before)

    async def beat(self) -> None:
        """Heartbeats for ever."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if self._link is not None:
                self._link.beat()

    async def flush(self, seconds: float) -> None:
        """Give the stream that long to take what is due."""
        end = asyncio.get_running_loop().time() + seconds
        while self._link is not None and not self._link.drained and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)

    def _grown(self) -> None:
        if self._link is not None:
            self._link.grown()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._link is not None:
            self._link.close()
        link = self._link = Link(writer, self._journal)
        link.say("hello", last_seq=self._journal.last, **self._hello())
        pump = asyncio.ensure_future(link.pump())
        try:
            await self._read(reader, link)
        except OSError:
            pass  # the relay is gone; another one will come
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            link.close()
            if self._link is link:
                self._link = None

    async def _read(self, reader: asyncio.StreamReader, link: Link) -> None:
        decoder = framing.Decoder()
        while data := await reader.read(65536):
            for item in decoder.feed(data):
                self._take(item, link)
            if link.damages > DAMAGE_LIMIT:
                return

    def _take(self, item: framing.Item, link: Link) -> None:
        if isinstance(item, framing.Damaged):
            link.damages += 1
            self._refuse(link, None, item.reason)
        elif item.get("run") != self._journal.run:
            self._refuse(link, item.get("seq"), f"this agent is of run {self._journal.run}, not {item.get('run')!r}")
        elif item.get("do") == "resume":
            self._resume(item, link)
        else:
            link.flow()
            self._handle(item)

    def _resume(self, item: Mapping[str, Any], link: Link) -> None:
        after = item.get("after")
        if not isinstance(after, int) or not 0 <= after <= self._journal.last:
            self._refuse(link, item.get("seq"), f"cannot resume after {after!r}: the last frame is {self._journal.last}")
            return
        if after < self._journal.first - 1:
            self._refuse(link, item.get("seq"), f"frames before {self._journal.first} are no longer kept")
        link.flow(after)
        self._handle(item)

    def _refuse(self, link: Link, of: Any, text: str) -> None:
        link.flow()
        self._journal.add("error", of if isinstance(of, int) else None, text=text)
