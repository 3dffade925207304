"""Raw text of the node for the controller: output of commands, files, local HTTP. Only reads."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import shutil
import stat
import urllib.parse
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Any, Callable

from . import hostpath

PARALLEL = 4
OUTPUT_LIMIT = 16 * 1024 * 1024
FILE_LIMIT = 256 * 1024
ERROR_LIMIT = 2000
GLOB_LIMIT = 4096


@dataclass(frozen=True)
class Fact:
    """What one reader read. `ok` false means not observed, with the reason in `error`."""

    name: str
    source: str
    ok: bool
    text: str = ""
    error: str = ""
    code: int | None = None


Report = Callable[[dict[str, Any]], None]


class Readers:
    """The readers of one "facts" request."""

    def __init__(self, executor: Executor, report: Report, timeout: float) -> None:
        self._executor, self._report, self._timeout = executor, report, timeout
        self._turns = asyncio.Semaphore(PARALLEL)

    async def run(self, readers: Sequence[Any]) -> None:
        """At least one fact for each reader."""
        await asyncio.gather(*(self._read(reader) for reader in readers))

    async def _read(self, reader: Any) -> None:
        name = str(reader.get("name", "")) if isinstance(reader, Mapping) else ""
        async with self._turns:
            for fact in await self._facts(name, reader):
                self._report(asdict(fact))

    async def _facts(self, name: str, reader: Any) -> list[Fact]:
        source = _source(reader) if isinstance(reader, Mapping) else ""
        if not source:
            return [Fact(name, "", False, error=f"reader {reader!r:.200} has neither argv nor path nor list nor http")]
        try:
            return await asyncio.wait_for(self._choose(name, reader), self._timeout)
        except asyncio.TimeoutError:
            return [Fact(name, source, False, error=f"nothing within {self._timeout:g} s")]
        except Exception as error:  # one reader never costs the others
            return [Fact(name, source, False, error=repr(error))]

    def _choose(self, name: str, reader: Mapping[str, Any]) -> Awaitable[list[Fact]]:
        if "argv" in reader:
            return command(name, [str(word) for word in reader["argv"]], int(reader.get("limit", OUTPUT_LIMIT)))
        blocking = asyncio.get_running_loop().run_in_executor
        if "http" in reader:
            return blocking(self._executor, http_get, name, str(reader["http"]), self._timeout)
        if "list" in reader:
            return blocking(self._executor, listing, name, str(reader["list"]))
        limit, lines = int(reader.get("limit", FILE_LIMIT)), str(reader.get("lines", ""))
        return blocking(self._executor, files, name, str(reader["path"]), limit, lines)


def _source(reader: Mapping[str, Any]) -> str:
    if isinstance(reader.get("argv"), list) and reader["argv"]:
        return " ".join(str(word) for word in reader["argv"])
    return str(reader.get("path") or reader.get("list") or reader.get("http") or "")


async def command(name: str, argv: list[str], limit: int) -> list[Fact]:
    """Standard output of a command; whatever it says on standard error is in `error`, even when it succeeds."""
    source = " ".join(argv)
    if shutil.which(argv[0]) is None:
        return [Fact(name, source, False, error=f"no such tool: {argv[0]}")]
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.ensure_future(_bounded(process.stderr, ERROR_LIMIT))
        output = await _bounded(process.stdout, limit)
        if len(output) > limit:
            return [Fact(name, source, False, error=f"its output is longer than {limit} bytes")]
        said = _text((await errors)[:ERROR_LIMIT]).strip()
        code = await process.wait()
        return [Fact(name, source, code == 0, _text(output), said, code)]
    finally:
        if process.returncode is None:
            process.kill()


async def _bounded(stream: asyncio.StreamReader, limit: int) -> bytes:
    """Everything, or a little more than `limit` bytes."""
    data = bytearray()
    while len(data) <= limit:
        more = await stream.read(65536)
        if not more:
            break
        data += more
    return bytes(data)


def listing(name: str, folder: str) -> list[Fact]:
    """Mode and name of everything in a directory, hidden files too; links are followed, and one that leads nowhere has no mode."""
    try:
        names = sorted(os.listdir(hostpath.resolve(folder)))
    except OSError as error:
        return [Fact(name, folder, False, error=_reason(error))]
    return [Fact(name, folder, True, "".join(f"{_mode(os.path.join(folder, entry))} {entry}\n" for entry in names))]


def _mode(path: str) -> str:
    try:
        return stat.filemode(os.stat(hostpath.resolve(path)).st_mode)
    except OSError:
        return "?" * 10


def files(name: str, pattern: str, limit: int, lines: str = "") -> list[Fact]:
    """One fact for each file that the path, which may hold wildcards, names; with too many files one more, which is not ok.

    `lines` is an expression: only lines in which it is found are kept, because others may hold secrets.
    """
    found = hostpath.matches(pattern)
    if not found:
        return [Fact(name, pattern, False, error="no such file")]
    facts = [_file(name, path, limit, lines) for path in found[:GLOB_LIMIT]]
    if len(found) > GLOB_LIMIT:
        facts.append(Fact(name, pattern, False, error=f"{len(found)} files, of which only the first {GLOB_LIMIT} were read"))
    return facts


def _file(name: str, path: str, limit: int, lines: str) -> Fact:
    try:
        data = _contents(hostpath.resolve(path), limit)
    except OSError as error:
        return Fact(name, path, False, error=_reason(error))
    if len(data) > limit:
        return Fact(name, path, False, error=f"longer than {limit} bytes")
    text = _text(data)
    kept = [line for line in text.splitlines(keepends=True) if re.search(lines, line)] if lines else [text]
    return Fact(name, path, True, "".join(kept))


def _reason(error: OSError) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or repr(error)).lower()


def _contents(path: str, limit: int) -> bytes:
    """A little more than `limit` bytes at most. A device or a pipe would block or do something: only regular files are read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file")
        return stream.read(limit + 1)


def http_get(name: str, url: str, timeout: float) -> list[Fact]:
    """Body of a GET; `code` is the HTTP status, only 200 is ok."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        response = connection.getresponse()
        data = response.read(OUTPUT_LIMIT)
    except (OSError, http.client.HTTPException) as error:
        return [Fact(name, url, False, error=getattr(error, "strerror", None) or str(error) or repr(error))]
    finally:
        connection.close()
    ok = response.status == http.client.OK
    return [Fact(name, url, ok, _text(data), "" if ok else f"HTTP {response.status} {response.reason}", response.status)]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
