"""Where the bundled suite is, and whether all of it can be collected under a user's own ini file."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path

import pytest

_REQUIREMENT = re.compile(r"""^@requirement\(["']([^"']+)["']\)""", re.MULTILINE)


def folder() -> Path:
    """Folder of the bundled suite: beside this package when installed, beside the package's folder in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "conformance"
    return installed if installed.is_dir() else package.parent / "conformance"


def ids() -> frozenset[str]:
    """Ids of the requirements that the suite's files claim to judge, read without importing them."""
    return frozenset(found for file in folder().rglob("test_*.py") for found in _REQUIREMENT.findall(file.read_text("utf-8")))


def digest() -> str:
    """SHA-256 over the files that decide a verdict: tests, catalogue, matrix, profiles, ini."""
    found = sha256()
    for file in sorted(file for file in folder().rglob("*") if file.suffix in (".py", ".yaml", ".ini")):
        found.update(file.relative_to(folder()).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def holds(path: Path) -> bool:
    """Whether a file belongs to the bundled suite."""
    return folder() in path.resolve().parents


def hidden_by(config: pytest.Config, path: Path) -> bool:
    """Whether the user's `python_files` would not collect this file of the suite."""
    if not (path.name.startswith("test_") and path.suffix == ".py" and holds(path)):
        return False
    given = path in {Path(str(arg).partition("::")[0]).absolute() for arg in config.args}
    return not given and not any(fnmatch(path.name, pattern) for pattern in config.getini("python_files"))
