"""A run that takes too long is told to end, with time to take away what it made; it is no verdict."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.injection import suite

CLEANS_UP = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path(sys.argv[1]).write_text("cleaned up")
    sys.exit(10)
signal.signal(signal.SIGTERM, end)
print("waiting for pods", flush=True)
time.sleep(60)
"""


def test_a_run_that_takes_too_long_may_clean_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "LONGEST", 2.0)
    with pytest.raises(LabError, match=r"not done after 2 s:\n  waiting for pods"):
        suite._ended([sys.executable, "-c", CLEANS_UP, str(tmp_path / "mark")], tmp_path / "run.log")
    assert (tmp_path / "mark").read_text() == "cleaned up"


def test_a_run_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "LONGEST", 1.0)
    monkeypatch.setattr(suite, "CLEANING", 0.5)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    with pytest.raises(LabError, match="not done after 1 s"):
        suite._ended([sys.executable, "-c", deaf], tmp_path / "run.log")


def test_the_exit_code_and_all_output(tmp_path: Path) -> None:
    code = suite._ended(
        [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(12)"], tmp_path / "run.log"
    )
    assert code == 12
    assert sorted((tmp_path / "run.log").read_text().split()) == ["err", "out"]
