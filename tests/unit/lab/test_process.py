"""Processes are ended only if they are the recorded ones."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import process, wait
from lab.errors import LabError
from lab.process import Process


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def test_recorded_process_is_killed(sleeper: subprocess.Popen[bytes]) -> None:
    one = Process("x", sleeper.pid, process.start_time(sleeper.pid) or 0)
    assert one.alive()
    one.kill()
    assert sleeper.wait() == -signal.SIGKILL


def test_another_process_with_the_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    one = Process("x", sleeper.pid, (process.start_time(sleeper.pid) or 0) - 1)
    one.kill()
    assert not one.alive()
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.2)


def test_a_zombie_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGKILL)
    assert process.wait_gone(lambda: process.start_time(sleeper.pid), 5)


def test_ancestry_and_children(sleeper: subprocess.Popen[bytes]) -> None:
    assert {os.getpid(), sleeper.pid} <= process.ancestry(sleeper.pid)
    assert process.first_child(sleeper.pid) is None
    assert process.first_child(1 << 30) is None


def test_spawned_process_has_a_session_and_a_log(tmp_path: Path) -> None:
    log = tmp_path / "logs/x.log"
    one = process.spawn("x", ["sh", "-c", "echo $HELLO; sleep 60"], log, lambda: None, {"HELLO": "hi", "PATH": os.environ["PATH"]})
    try:
        assert process.wait_gone(lambda: not log.stat().st_size, 5)
        assert log.read_text() == "hi\n"
        assert os.getsid(one.pid) == one.pid
    finally:
        os.killpg(one.pid, signal.SIGKILL)
        os.waitpid(one.pid, 0)


def test_spawned_process_blocks_no_signal(tmp_path: Path) -> None:
    one = process.spawn("x", ["sleep", "60"], tmp_path / "x.log", lambda: None)  # not a shell: those unblock all themselves
    try:
        lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
        assert [int(line.split()[1], 16) for line in lines if line.startswith("SigBlk")] == [0]
    finally:
        os.kill(one.pid, signal.SIGKILL)
        os.waitpid(one.pid, 0)


def test_failure_shows_the_end_of_the_output() -> None:
    with pytest.raises(LabError) as caught:
        process.run(["sh", "-c", "seq 40; echo no such thing >&2; exit 3"], what="counting")
    lines = str(caught.value).splitlines()
    assert lines[0] == "counting failed (exit code 3):"
    assert (lines[1], lines[-1], len(lines)) == ("  27", "  no such thing", 16)


def test_missing_program_and_endless_one() -> None:
    with pytest.raises(LabError, match="looking: the program k8snet-absent is missing"):
        process.run(["k8snet-absent"], what="looking")
    with pytest.raises(LabError, match="sleeping: no end after 0 s"):
        process.run(["sleep", "9"], what="sleeping", timeout=0.1)


def test_waiting_ends_with_reason_and_log(tmp_path: Path) -> None:
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    old.write_text("old news")
    new.write_text("x\n" * 50 + "certificate has expired")
    os.utime(old, (1, 1))

    def never() -> bool:
        raise ConnectionRefusedError("connection refused")

    with pytest.raises(LabError) as caught:
        wait.until(never, "the API server is ready", timeout=0.1, logs=[old, new, tmp_path / "absent"])
    text = str(caught.value)
    assert text.startswith("the API server is ready: not within 0 s (connection refused)")
    assert text.endswith(f"  certificate has expired\n  the whole log: {new}")
    assert "old news" not in text


def test_waiting_stops_when_it_has_no_sense() -> None:
    def dead() -> None:
        raise LabError("node ended")

    with pytest.raises(LabError, match="node ended"):
        wait.until(lambda: False, "x", timeout=60, alive=dead)
