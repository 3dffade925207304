"""A stand-in for Go (and gcc) on PATH, and a small lab/tools folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.artifacts import gotools
from lab.artifacts.gotools import GoTool

GO_MOD = "module example.test/tool\n\ngo 1.26.0\n\nrequire (\n\texample.test/demo v1.2.3\n)\n"
TOOL = GoTool("demo", "example.test/demo", stamps={"example.test/demo.Version": "VERSION"}, programs={"demo": "renamed"})
GOOD_GO = """
case "$1" in
  env) echo go1.99.0 ;;
  list) echo example.test/demo; echo example.test/demo/sub ;;
  build) while [ "$1" != -o ]; do shift; done; echo compiled > "$2/demo" ;;
esac
"""


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch, name: str = "go") -> None:
    """Put a shell script named `name` first on PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)
    if str(folder) not in os.environ["PATH"].split(":"):
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def write_tools(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make lab/tools with the one tool `demo`, with a stub module; returns its folder."""
    folder = root / "tools" / "demo"
    (folder / "stub").mkdir(parents=True)
    (folder / "go.mod").write_text(GO_MOD)
    (folder / "go.sum").write_text("example.test/demo v1.2.3 h1:AAAA=\n")
    (folder / "stub" / "stub.go").write_text("package stub\n")
    monkeypatch.setattr(gotools, "TOOLS", root / "tools")
    return folder
