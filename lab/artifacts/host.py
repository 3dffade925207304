"""What the host must have to build the artifacts."""

from __future__ import annotations

import shutil
from pathlib import Path

TOOLS = (
    ("go", "golang-go"),
    ("gcc", "gcc"),
    ("debootstrap", "debootstrap"),
    ("chroot", "coreutils"),
    ("mount", "mount"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
)
FILES = (
    ("/usr/lib/*/libc.a", "libc6-dev"),
    ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
)


def missing_on_host(root: Path = Path("/")) -> list[tuple[str, str]]:
    """(tool, Debian package) of everything the host lacks for building; Go must be as new as lab/tools/*/go.mod say."""
    tools = [(tool, package) for tool, package in TOOLS if shutil.which(tool) is None]
    return tools + [(file, package) for file, package in FILES if not list(root.glob(file.lstrip("/")))]
