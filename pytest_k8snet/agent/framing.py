"""Frames of the control stream, the same both ways: `<length> <crc32 as 8 hex digits>` LF, UTF-8 JSON object, LF."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union

HEADER_LIMIT = 32
PAYLOAD_LIMIT = 32 * 1024 * 1024
CRC_DIGITS = 8


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
    """Takes bytes as they arrive and yields whole payloads. After damage it looks for the next line that can be a header."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lost = False  # within damage that was already reported

    def feed(self, data: bytes) -> Iterator[Item]:
        """All frames that are complete with `data`."""
        self._buffer += data
        while True:
            header = self._header()
            if header is None:
                return
            if isinstance(header, Damaged):
                if not self._lost:
                    yield header
                self._lost = True
                continue
            start, length, crc = header
            if len(self._buffer) < start + length + 1:
                return
            self._lost = False
            yield self._payload(start, length, crc)

    def _header(self) -> tuple[int, int, int] | Damaged | None:
        """(where the payload starts, its length, its checksum); None = not all there yet. Damage is dropped from the buffer."""
        end = self._buffer.find(b"\n", 0, HEADER_LIMIT)
        if end < 0:
            return self._skip(len(self._buffer)) if len(self._buffer) >= HEADER_LIMIT else None
        try:
            length, crc = _parse_header(bytes(self._buffer[:end]))
        except ValueError:
            return self._skip(end + 1)
        return end + 1, length, crc

    def _skip(self, count: int) -> Damaged:
        """Drop what cannot be a header, up to the line end at most: a header may follow it."""
        end = self._buffer.find(b"\n")
        dropped = bytes(self._buffer[: min(count, HEADER_LIMIT)])
        del self._buffer[: end + 1 if end >= 0 else count]
        return Damaged(f"no frame header: {dropped!r}")

    def _payload(self, start: int, length: int, crc: int) -> Item:
        body, last = bytes(self._buffer[start : start + length]), self._buffer[start + length]
        if zlib.crc32(body) != crc or last != 0x0A:
            del self._buffer[:start]  # the length itself may be wrong: look for a header inside
            self._lost = True
            return Damaged(f"a frame of {length} bytes does not match its checksum")
        del self._buffer[: start + length + 1]
        return _parse_body(body)


def _parse_header(line: bytes) -> tuple[int, int]:
    length, space, crc = line.partition(b" ")
    if not space or not length.isdigit() or len(crc) != CRC_DIGITS or not crc.isalnum():
        raise ValueError
    if int(length) > PAYLOAD_LIMIT:
        raise ValueError
    return int(length), int(crc, 16)


def _parse_body(body: bytes) -> Item:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Damaged(f"a frame is no JSON ({error})")
    return payload if isinstance(payload, dict) else Damaged("a frame is no JSON object")
