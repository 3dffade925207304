"""The recording: everything a run saw, raw and append-only, without any status.

Streams and the shape of their entries (all values JSON):

objects  {"name", "status", "body"}           one API answer; name e.g. "nodes", "configmap/kube-system/kube-proxy", "configz/worker1"
fleet    {"endpoint", "namespace", "pod", "ip", "port", "tier", "problem", "spec"}   where a probe pod ended up; problem "": it became ready
facts    {"node", "phase", "name", "source", "ok", "code", "text", "error"}   one reader on one node; phase "before" or "after" the probes
frames   {"source", "frame"}                  one result frame exactly as the agent at `source` sent it
events   {"what", ...}                        anything else worth knowing later: refusals, lost streams, services created
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1
STREAMS = ("objects", "fleet", "facts", "frames", "events")

Entry = Mapping[str, Any]
# What zipfile and json raise for damaged files, beside their own errors: unknown compression, wrong flags, cut or broken streams.
_UNREADABLE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, RuntimeError, ValueError, KeyError, IndexError, OSError),
)


class DamagedRecording(ValueError):
    """The file is no recording, of an unknown format, or its checksums do not match; `str()` names the file and the part."""


@dataclass(slots=True)
class Recording:
    """`meta` holds run id, times, command, suite version and the options that shaped what was collected."""

    meta: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, list[Entry]] = field(default_factory=lambda: {name: [] for name in STREAMS})

    def append(self, stream: str, entry: Entry) -> None:
        """Add one entry. Raises KeyError for an unknown stream."""
        self.streams[stream].append(entry)

    def entries(self, stream: str, **where: Any) -> Iterator[Entry]:
        """Entries of a stream whose fields equal `where`, in the order they were recorded."""
        return (e for e in self.streams[stream] if all(e.get(key) == value for key, value in where.items()))

    def object(self, name: str) -> Any | None:
        """Body of the last API answer of that name; None if it was a refusal: an older body is no evidence of now."""
        found = list(self.entries("objects", name=name))
        return found[-1]["body"] if found and found[-1]["status"] == 200 else None

    def known(self, name: str) -> Any | None:
        """Body of the last successful API answer of that name, however old: to decide what to ask, not to judge."""
        found = [e["body"] for e in self.entries("objects", name=name) if e["status"] == 200]
        return found[-1] if found else None

    def write(self, path: Path) -> None:
        """Write the zip file: meta.json, one .jsonl a stream, and checksums.json over them."""
        parts = {"meta.json": _json({"format": FORMAT, **self.meta})}
        parts |= {f"{name}.jsonl": "".join(_json(e) for e in self.streams[name]) for name in STREAMS}
        sums = {name: _digest(text.encode()) for name, text in parts.items()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in {**parts, "checksums.json": _json(sums)}.items():
                archive.writestr(name, text)

    @classmethod
    def read(cls, path: Path) -> Recording:
        """Read what `write` wrote. Raises DamagedRecording, or OSError when the file cannot be opened."""
        data = io.BytesIO(path.read_bytes())  # from here on an OSError is damage: bz2 raises it
        try:
            with zipfile.ZipFile(data) as archive:
                return _load(path, {name: archive.read(name) for name in archive.namelist()})
        except DamagedRecording:
            raise
        except _UNREADABLE as error:
            raise DamagedRecording(f"{path} is not a readable recording ({error})") from error


def _load(path: Path, parts: Mapping[str, bytes]) -> Recording:
    members = ("checksums.json", "meta.json", *(f"{name}.jsonl" for name in STREAMS))
    if missing := [name for name in members if name not in parts]:
        raise DamagedRecording(f"{path} is no recording, or damaged: it lacks {', '.join(missing)}")
    sums = json.loads(parts["checksums.json"])
    for name in ("meta.json", *(f"{name}.jsonl" for name in STREAMS)):
        if not isinstance(sums, dict) or name not in sums:
            raise DamagedRecording(f"{path} is damaged: {name} has no checksum")
        if _digest(parts[name]) != sums[name]:
            raise DamagedRecording(f"{path} is damaged: {name} does not match its checksum")
    meta = json.loads(parts["meta.json"])
    if not isinstance(meta, dict):
        raise DamagedRecording(f"{path} is damaged: meta.json is no mapping")
    if meta.pop("format", None) != FORMAT:
        raise DamagedRecording(f"{path} has another recording format than {FORMAT}; use the version of pytest-k8snet that wrote it")
    streams = {name: [json.loads(line) for line in parts[f"{name}.jsonl"].decode().splitlines()] for name in STREAMS}
    for name, entries in streams.items():
        if not all(isinstance(entry, dict) for entry in entries):
            raise DamagedRecording(f"{path} is damaged: {name}.jsonl holds an entry that is no mapping")
    return Recording(meta, streams)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True) + "\n"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
