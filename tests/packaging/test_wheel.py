"""What is in the wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pytest_k8snet.plugin import suite

ROOT = Path(__file__).parents[2]


def test_it_holds_the_tree_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {
        f"pytest_k8snet/{name}" for name in (*_files("pytest_k8snet"), *(f"conformance/{name}" for name in _files("conformance")))
    }


def test_it_announces_the_plugin_and_the_license(wheel):
    archive = zipfile.ZipFile(wheel)
    texts = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert "[pytest11]\nk8snet = pytest_k8snet.plugin" in texts["entry_points.txt"]
    assert "License-Expression: Apache-2.0" in texts["METADATA"]


def test_the_suites_files_have_names_of_their_own():
    """With pytest's default import mode two test files of one name cannot be collected together."""
    names = [path.name for path in suite.folder().rglob("test_*.py")]
    assert len(names) == len(set(names)) > 10


def _files(folder: str) -> set[str]:
    found = (path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file())
    dropped = ("__pycache__", ".")  # caches, and settings of tools
    return {path.as_posix() for path in found if path.name != "ruff.toml" and not any(part.startswith(dropped) for part in path.parts)}
