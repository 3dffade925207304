"""The agent as one file that a plain Python runs: `python3 agent.pyz serve …`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can hold: equal sources give equal bytes
START = "import sys\n\nfrom agent.main import main\n\nsys.exit(main(sys.argv[1:]))\n"


@cache
def agent_archive() -> bytes:
    """The zip file, the same bytes for the same sources."""
    parts = {"__main__.py": START.encode(), **dict(_sources(files("pytest_k8snet") / "agent", "agent"))}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in sorted(parts.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, data)
    return target.getvalue()


def _sources(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        name = f"{prefix}/{item.name}"
        if item.is_dir() and item.name != "__pycache__":
            yield from _sources(item, name)
        elif item.name.endswith(".py"):
            yield name, item.read_bytes()
