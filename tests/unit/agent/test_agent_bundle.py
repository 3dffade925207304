"""The archive: the same bytes every time, small, complete, and nothing newer than Python 3.9 in it."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest_k8snet
from pytest_k8snet.collect.bundle import agent_archive

AGENT = Path(pytest_k8snet.__file__).parent / "agent"


def sources() -> dict[str, str]:
    return {str(path.relative_to(AGENT.parent)): path.read_text() for path in AGENT.rglob("*.py")}


def test_reproducible_and_small():
    first = agent_archive()
    agent_archive.cache_clear()
    assert agent_archive() == first
    assert len(first) <= 700_000


def test_holds_every_module_and_nothing_else():
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist() if name != "__main__.py"} == sources()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_starts_from_the_archive(tmp_path: Path):
    (tmp_path / "agent.pyz").write_bytes(agent_archive())
    done = subprocess.run([sys.executable, "-I", tmp_path / "agent.pyz", "--help"], capture_output=True, text=True)
    assert (done.returncode, "serve" in done.stdout, done.stderr) == (0, True, "")


def test_bad_arguments_are_one_clear_message(tmp_path: Path):
    (tmp_path / "agent.pyz").write_bytes(agent_archive())
    done = subprocess.run([sys.executable, "-I", tmp_path / "agent.pyz", "serve", "--run", "r"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "agent serve: error: the following arguments are required: --endpoint, --socket"


def test_syntax_is_that_of_python_3_9():
    for name, text in sources().items():
        ast.parse(text, name, feature_version=(3, 9))


def test_imports_only_the_standard_library_and_itself():
    imported = set()
    for name, text in sources().items():
        for node in ast.walk(ast.parse(text, name)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])
    assert imported <= set(sys.stdlib_module_names)
