"""The few files of the Debian tree that an image needs: programs, the libraries they load, Python."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lab.artifacts.archive import Entry, file_entry

PROGRAMS = (
    "arping",
    "bash",
    "bridge",
    "conntrack",
    "dash",
    "ethtool",
    "find",
    "grep",
    "hostname",
    "ip",
    "ip*tables*",
    "nft",
    "ping",
    "ps",
    "python3*",
    "sed",
    "sh",
    "socat",
    "ss",
    "sysctl",
    "tar",
    "tc",
    "tcpdump",
    "xtables-*",
)
FILES = (
    "/etc/ethertypes",
    "/etc/group",
    "/etc/gai.conf",
    "/etc/iproute2/*",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/protocols",
    "/etc/services",
    "/usr/lib/*/xtables/*",
)
LINKS = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
PYTHON = "/usr/lib/python3*"
PYTHON_UNUSED = re.compile(r"/(test|tests|idlelib|lib2to3|ensurepip|tkinter|pydoc_data|turtledemo|distutils|config-3[^/]*)(/|$)")
EMPTY_FOLDERS = {"/tmp": 0o1777, "/var/tmp": 0o1777, "/root": 0o700, "/proc": 0o555, "/sys": 0o555, "/dev": 0o755, "/run": 0o755}
COREUTILS = "var/lib/dpkg/info/coreutils.list"
LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")
MOST_LINKS = 40  # as the kernel's own limit


def entries(tree: Path, libraries: Callable[[list[str]], str]) -> list[Entry]:
    """Layer entries of the tool image.

    libraries: runs ldd inside the tree for the given paths and returns what it printed.
    """
    chosen = _closure(tree, _wanted(tree))
    binaries = sorted(path for path in chosen if _is_elf(_inside(tree, path)))
    chosen |= _closure(tree, LIBRARY.findall(libraries(binaries)))
    found = [_entry(tree, path) for path in sorted(chosen)]
    found += [Entry(path, link=os.readlink(_inside(tree, path))) for path in LINKS if _inside(tree, path).is_symlink()]
    return found + [Entry(path, mode=mode) for path, mode in EMPTY_FOLDERS.items()]


def _wanted(tree: Path) -> Iterator[str]:
    for pattern in PROGRAMS:
        yield from _glob(tree, f"/usr/bin/{pattern}")
        yield from _glob(tree, f"/usr/sbin/{pattern}")
    listed = (tree / COREUTILS).read_text().split() if (tree / COREUTILS).exists() else []
    yield from (path for path in listed if path.startswith(("/bin/", "/usr/bin/")))
    for pattern in FILES:
        yield from _glob(tree, pattern)
    for folder in _glob(tree, PYTHON):
        yield from (path for path in _files_below(tree, folder) if not PYTHON_UNUSED.search(path))


def _glob(tree: Path, pattern: str) -> Iterator[str]:
    return (f"/{found.relative_to(tree)}" for found in sorted(tree.glob(pattern.lstrip("/"))))


def _files_below(tree: Path, folder: str) -> Iterator[str]:
    for root, _, names in os.walk(_inside(tree, folder)):
        yield from (f"/{(Path(root) / name).relative_to(tree)}" for name in names)


def _closure(tree: Path, paths: Iterable[str]) -> set[str]:
    return {step for path in paths for step in link_chain(tree, path) if not _inside(tree, step).is_dir()}


def link_chain(tree: Path, path: str) -> list[str]:
    """The path with its folders resolved inside the tree, then each thing it links to; a loop or a missing target ends the chain."""
    chain: list[str] = []
    while len(chain) < MOST_LINKS:
        path = _resolve_folders(tree, path)
        here = _inside(tree, path)
        if not os.path.lexists(here) or path in chain:
            break
        chain.append(path)
        if not here.is_symlink():
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(here)))
    return chain


def _resolve_folders(tree: Path, path: str) -> str:
    resolved = "/"
    for name in path.strip("/").split("/")[:-1]:
        resolved = os.path.join(resolved, name)
        for _ in range(MOST_LINKS):
            if not _inside(tree, resolved).is_symlink():
                break
            target = os.readlink(_inside(tree, resolved))
            resolved = os.path.normpath(os.path.join(os.path.dirname(resolved), target))
    return os.path.join(resolved, os.path.basename(path))


def _entry(tree: Path, path: str) -> Entry:
    here = _inside(tree, path)
    if not here.is_symlink():
        return file_entry(path, here)
    # absolute: a relative target counts its ".." from a folder that may itself be a link in the image
    target = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(here)))
    return Entry(path, link=_resolve_folders(tree, target))


def _inside(tree: Path, path: str) -> Path:
    return tree / path.lstrip("/")


def _is_elf(file: Path) -> bool:
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as content:
        return content.read(4) == b"\x7fELF"
