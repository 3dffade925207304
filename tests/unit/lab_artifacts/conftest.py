from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.artifacts import gotools
from lab.artifacts.command import Runner
from lab.progress import Progress, Step


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "cache" / "logs")


@pytest.fixture
def step() -> Step:
    return Step(Progress(io.StringIO()), "build demo v1.2.3")


@pytest.fixture(autouse=True)
def _fresh_go_version() -> Iterator[None]:
    gotools.go_version.cache_clear()
    yield
    gotools.go_version.cache_clear()
