"""The agent as one file: a zip that Python runs, built from the package's own sources, the same bytes every time."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

MAIN = "import sys\n\nfrom k8snet_agent.__main__ import main\n\nsys.exit(main(sys.argv[1:]))\n"
PACKAGE = "k8snet_agent"
WHEN = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can hold


@cache
def bundle() -> bytes:
    """The program for `python3 agent.pyz serve|relay|peer …`."""
    sources = dict(_sources(resources.files("pytest_k8snet") / "agent", PACKAGE))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted({**sources, "__main__.py": MAIN.encode()}.items()):
            entry = zipfile.ZipInfo(name, WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return buffer.getvalue()


def _sources(folder: Traversable, name: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _sources(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            found.append((f"{name}/{entry.name}", entry.read_bytes()))
    return found
