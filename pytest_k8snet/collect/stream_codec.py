"""Frames on the control stream: ASCII header `<length> <crc32 hex8>` LF, that many bytes of JSON, LF."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HEADER = re.compile(rb"(\d{1,8}) ([0-9a-f]{8})\n")
LONGEST_HEADER = 18
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no frame. What they were is unknown: not observed."""

    reason: str


def encode(payload: Mapping[str, Any]) -> bytes:
    """One frame."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return f"{len(body)} {zlib.crc32(body):08x}\n".encode() + body + b"\n"


class Decoder:
    """Bytes in, whole payloads out; after damage it goes on with the next frame that is whole."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any] | Damage]:
        """Every payload or damage that is complete with `data`, in order."""
        self._buffer += data
        while self._buffer:
            header = HEADER.match(self._buffer)
            if header is None or int(header[1]) > LARGEST:
                if header is None and self._may_grow():
                    return
                yield self._skip("bytes that are no frame header")
                continue
            end = header.end() + int(header[1])
            if len(self._buffer) <= end:
                return
            yield self._payload(header, end)

    def _may_grow(self) -> bool:
        """Whether the bytes so far can still become a header."""
        return re.fullmatch(rb"\d{1,8}( [0-9a-f]{0,8})?", self._buffer[:LONGEST_HEADER]) is not None

    def _payload(self, header: re.Match[bytes], end: int) -> dict[str, Any] | Damage:
        body = self._buffer[header.end() : end]
        if zlib.crc32(body) != int(header[2], 16) or self._buffer[end : end + 1] != b"\n":
            return self._skip(f"a frame of {int(header[1])} bytes with a wrong checksum")
        self._buffer = self._buffer[end + 1 :]
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            return Damage("a frame that is no JSON")
        return payload if isinstance(payload, dict) else Damage("a frame that holds no mapping")

    def _skip(self, why: str) -> Damage:
        """Drop bytes up to the next line that can start a frame; the length of a damaged frame is not to be trusted."""
        following = HEADER.search(self._buffer, self._buffer.find(b"\n") + 1) if b"\n" in self._buffer else None
        start = following.start() if following else len(self._buffer)
        self._buffer = self._buffer[start:]
        return Damage(f"{why} ({start} bytes dropped)")
