"""What `ctr images import` reads: layers, configurations, digests."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.artifacts.archive import Entry, Image, capability_value, file_entry, write_archive, write_layer

NAMES = st.text("abcdef.-_", min_size=1, max_size=5).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
CAPABILITY = "SCHILY.xattr.security.capability"


def members(file: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(file) as tar:
        return {member.name: member for member in tar.getmembers()}


def content(file: Path, name: str) -> bytes:
    with tarfile.open(file) as tar:
        read = tar.extractfile(name)
        assert read is not None
        return read.read()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(PATHS, st.binary(max_size=2000), min_size=1, max_size=6))
def test_a_layer_gives_back_its_files_and_is_named_by_its_digest(files) -> None:
    leaves = {path: data for path, data in files.items() if not any(other.startswith(f"{path}/") for other in files)}
    with tempfile.TemporaryDirectory() as folder:
        layer = write_layer([Entry(path, data=data) for path, data in leaves.items()], Path(folder))
        assert layer.file == Path(folder) / f"{layer.digest}.tar"
        assert layer.digest == hashlib.sha256(layer.file.read_bytes()).hexdigest()
        assert {path: content(layer.file, path[1:]) for path in leaves} == leaves
        again = write_layer([Entry(path, data=data) for path, data in reversed(leaves.items())], Path(folder))
        assert again.digest == layer.digest


def test_parents_come_before_their_files_and_belong_to_root(tmp_path: Path) -> None:
    layer = write_layer([Entry("/usr/local/bin/tool", data=b"x"), Entry("/tmp", mode=0o1777)], tmp_path)
    found = members(layer.file)
    assert list(found) == ["tmp", "usr", "usr/local", "usr/local/bin", "usr/local/bin/tool"]
    assert [(member.isdir(), oct(member.mode), member.uid, member.gid) for member in found.values()] == [
        (True, "0o1777", 0, 0),
        *[(True, "0o755", 0, 0)] * 3,
        (False, "0o755", 0, 0),
    ]


def test_links_keep_their_target(tmp_path: Path) -> None:
    found = members(write_layer([Entry("/usr/sbin/iptables", link="/etc/alternatives/iptables")], tmp_path).file)
    assert found["usr/sbin/iptables"].issym()
    assert found["usr/sbin/iptables"].linkname == "/etc/alternatives/iptables"


def test_a_file_keeps_mode_and_time_but_gives_no_rights(tmp_path: Path) -> None:
    source = tmp_path / "ping"
    source.write_bytes(b"\x7fELF")
    source.chmod(0o4755)
    os.utime(source, (1_700_000_000, 1_700_000_000))
    assert file_entry("/ping", source) == Entry("/ping", source, mode=0o755, mtime=1_700_000_000)


def test_the_capability_lies_in_a_pax_header_of_that_file_only(tmp_path: Path) -> None:
    layer = write_layer([Entry("/coredns", data=b"x", capabilities=(10,)), Entry("/other", data=b"x")], tmp_path)
    found = members(layer.file)
    value = found["coredns"].pax_headers[CAPABILITY]
    # struct vfs_cap_data in revision 2: magic with the effective bit, CAP_NET_BIND_SERVICE permitted, nothing inheritable
    assert value.encode().hex(" ", 4) == "01000002 00040000 00000000 00000000 00000000"
    assert CAPABILITY not in found["other"].pax_headers


def test_a_capability_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        capability_value([7])


def test_the_archive_names_configurations_layers_and_references(tmp_path: Path) -> None:
    base = write_layer([Entry("/tmp", mode=0o1777)], tmp_path)
    top = write_layer([Entry("/coredns", data=b"program")], tmp_path)
    images = [
        Image(("example.test/coredns:v1",), (base, top), entrypoint=("/coredns",), user="65532:65532"),
        Image(("example.test/probe:1",), (base,), command=("/bin/sh",)),
    ]
    write_archive(images, tmp_path / "images.tar")
    with tarfile.open(tmp_path / "images.tar") as tar:
        names = tar.getnames()
    manifest = json.loads(content(tmp_path / "images.tar", "manifest.json"))
    assert [entry["RepoTags"] for entry in manifest] == [["example.test/coredns:v1"], ["example.test/probe:1"]]
    assert [entry["Layers"] for entry in manifest] == [[f"{base.digest}.tar", f"{top.digest}.tar"], [f"{base.digest}.tar"]]
    assert len(names) == 2 + 2 + 1  # the shared layer is in it once
    assert hashlib.sha256(content(tmp_path / "images.tar", f"{base.digest}.tar")).hexdigest() == base.digest
    config = json.loads(content(tmp_path / "images.tar", manifest[0]["Config"]))
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{base.digest}", f"sha256:{top.digest}"]}
    assert config["config"]["Entrypoint"] == ["/coredns"]
    assert config["config"]["User"] == "65532:65532"
    assert "Cmd" not in config["config"]
    assert manifest[0]["Config"] == f"{hashlib.sha256(images[0].config()).hexdigest()}.json"
