"""Container images without a container engine: layers, and the archive format of `docker save` that `ctr images import` reads.

Format: a tar with `manifest.json` (Config, RepoTags, Layers), one configuration per image (OCI image-spec config.md) and the
layers as uncompressed tars. Equal content gives equal digests, whenever and wherever it is written.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
EPOCH = "1970-01-01T00:00:00Z"
CAPABILITY_HEADER = "SCHILY.xattr.security.capability"
VFS_CAP_REVISION_2_EFFECTIVE = 0x02000001


@dataclass(frozen=True, slots=True)
class Entry:
    """A file (`source` or `data`), symbolic link (`link`) or folder (none of them) of a layer, at an absolute path.

    capabilities: bit numbers of Linux capabilities that the file gives to whoever runs it (capabilities(7)).
    """

    path: str
    source: Path | None = None
    data: bytes | None = None
    link: str | None = None
    mode: int = 0o755
    mtime: int = 0
    capabilities: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """An uncompressed tar on disk and its digest (sha256 in hex)."""

    file: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its references, its layers from the lowest up, what it runs and as whom."""

    references: tuple[str, ...]
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""

    def config(self) -> bytes:
        """The image's configuration as JSON."""
        run = {"Env": [f"PATH={PATH}"], "Entrypoint": list(self.entrypoint), "Cmd": list(self.command), "User": self.user}
        machine = os.uname().machine
        document = {
            "created": EPOCH,
            "architecture": ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {name: value for name, value in run.items() if value} | {"WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in self.layers]},
            "history": [{"created": EPOCH, "created_by": "lab"} for _ in self.layers],
        }
        return json.dumps(document, sort_keys=True).encode()


def file_entry(path: str, source: Path, capabilities: tuple[int, ...] = ()) -> Entry:
    """A file that keeps its mode, without the set-uid and set-gid bits, and its time (Python's .pyc files name it)."""
    status = source.stat()
    return Entry(path, source, mode=stat.S_IMODE(status.st_mode) & 0o1777, mtime=int(status.st_mtime), capabilities=capabilities)


def write_layer(entries: Iterable[Entry], folder: Path) -> Layer:
    """Write entries, sorted and with their parent folders, as FOLDER/<digest>.tar."""
    partial = folder / "layer.partial"
    with partial.open("wb") as out, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in _with_parents(entries):
            _add(tar, entry)
    with partial.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return Layer(partial.rename(folder / f"{digest}.tar"), digest)


def write_archive(images: Sequence[Image], file: Path) -> None:
    """Write images into one archive; a layer that several share is in it once."""
    layers = {layer.digest: layer for image in images for layer in image.layers}
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as tar:
        for layer in layers.values():
            _add(tar, Entry(f"/{layer.digest}.tar", layer.file, mode=0o644))
        for image in images:
            _add(tar, Entry(f"/{_config_name(image)}", data=image.config(), mode=0o644))
        manifest = [
            {"Config": _config_name(image), "RepoTags": image.references, "Layers": [f"{layer.digest}.tar" for layer in image.layers]}
            for image in images
        ]
        _add(tar, Entry("/manifest.json", data=json.dumps(manifest).encode(), mode=0o644))


def _config_name(image: Image) -> str:
    return f"{hashlib.sha256(image.config()).hexdigest()}.json"


def _with_parents(entries: Iterable[Entry]) -> list[Entry]:
    named = {entry.path: entry for entry in entries}
    for path in list(named):
        for parent in Path(path).parents:
            if str(parent) != "/":
                named.setdefault(str(parent), Entry(str(parent)))
    return [named[path] for path in sorted(named)]


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    info.mode, info.mtime = entry.mode, entry.mtime
    if entry.capabilities:
        info.pax_headers = {CAPABILITY_HEADER: capability_value(entry.capabilities)}
    if entry.link is not None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        tar.addfile(info)
    elif entry.source is not None:
        info.size = entry.source.stat().st_size
        with entry.source.open("rb") as content:
            tar.addfile(info, content)
    elif entry.data is not None:
        info.size = len(entry.data)
        tar.addfile(info, io.BytesIO(entry.data))
    else:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)


def capability_value(capabilities: Iterable[int]) -> str:
    """The xattr security.capability (struct vfs_cap_data, revision 2, effective) as the text of a pax header.

    tarfile writes text as UTF-8, so every byte must be below 0x80: ValueError where the bit numbers give another one.
    """
    permitted = sum(1 << bit for bit in set(capabilities))
    words = (VFS_CAP_REVISION_2_EFFECTIVE, permitted & 0xFFFFFFFF, 0, permitted >> 32, 0)
    return b"".join(word.to_bytes(4, "little") for word in words).decode("ascii")
