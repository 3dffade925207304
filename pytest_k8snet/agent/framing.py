"""Frames of the control stream, the same both ways: `<length> <crc32 as 8 hex digits>` LF, UTF-8 JSON object, LF."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union

HEADER_LIMIT = 18  # eight digits, blank, eight digits, LF
PAYLOAD_LIMIT = 64 * 1024 * 1024
LINE_FEED = 0x0A
_HEADER = re.compile(rb"(\d{1,8}) ([0-9a-f]{8})\n")
_NEXT = re.compile(rb"(?<!\d)" + _HEADER.pattern)


@dataclass(frozen=True)
class Damaged:
    """Something in the stream that is no frame, with the reason. Its content is lost; what follows may be whole again."""

    reason: str


Item = Union[dict[str, Any], Damaged]


def encode(payload: Mapping[str, Any]) -> bytes:
    """One frame. Raises TypeError or ValueError when the payload is no JSON."""
    body = json.dumps(payload, separators=(",", ":")).encode("ascii")
    return b"%d %08x\n%b\n" % (len(body), zlib.crc32(body), body)


class Decoder:
    """Takes bytes as they arrive and yields whole payloads. After damage it looks for the next bytes that can be a header."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lost = False  # within damage that was already reported

    def feed(self, data: bytes) -> Iterator[Item]:
        """All frames that are complete with `data`, and one Damaged for each stretch that is none."""
        self._buffer += data
        while True:
            header = _HEADER.match(self._buffer)
            if header is None and b"\n" not in self._buffer and len(self._buffer) < HEADER_LIMIT:
                return
            if header is None or int(header[1]) > PAYLOAD_LIMIT:
                yield from self._report(f"no frame header: {bytes(self._buffer[:HEADER_LIMIT])!r}")
                self._skip()
                continue
            start, length = header.end(), int(header[1])
            if len(self._buffer) < start + length + 1:
                return
            yield from self._frame(start, length, int(header[2], 16))

    def _report(self, reason: str) -> Iterator[Damaged]:
        if not self._lost:
            self._lost = True
            yield Damaged(reason)

    def _skip(self) -> None:
        """Drop what is no header: up to the next one, or up to what may be the beginning of one."""
        following = _NEXT.search(self._buffer, 1)
        rest = max(self._buffer.rfind(b"\n") + 1, len(self._buffer) - HEADER_LIMIT + 1, 1)
        del self._buffer[: following.start() if following else rest]

    def _frame(self, start: int, length: int, crc: int) -> Iterator[Item]:
        body, last = bytes(self._buffer[start : start + length]), self._buffer[start + length]
        if zlib.crc32(body) != crc or last != LINE_FEED:
            yield from self._report(f"a frame of {length} bytes does not match its checksum")
            del self._buffer[:start]  # the length may be what is wrong: the next header may be inside
            return
        self._lost = False
        del self._buffer[: start + length + 1]
        yield _parse_body(body)


def _parse_body(body: bytes) -> Item:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Damaged(f"a frame is no JSON ({error})")
    return payload if isinstance(payload, dict) else Damaged("a frame is no JSON object")
