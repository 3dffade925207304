"""One line per step, and what a terminal and a log see meanwhile."""

from __future__ import annotations

import io
import re
import threading

import pytest

from lab import progress
from lab.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[str]:
    return [re.sub(r" +\d+\.\d s", " N s", line) for line in stream.getvalue().splitlines()]


def test_each_step_has_its_number_of_how_many_and_its_seconds() -> None:
    out = io.StringIO()
    shown = Progress(out)
    shown.plan(["one", "two"])
    shown.plan(["two", "three"])
    for name in ("one", "three"):
        with shown.step(name):
            pass
    assert lines(out) == ["[1/3] one N s", "[3/3] three N s"]
    assert list(shown.timings) == ["one", "three"]
    assert all(0 <= seconds < 5 for seconds in shown.timings.values())


def test_numbers_and_names_stand_in_columns() -> None:
    out = io.StringIO()
    shown = Progress(out)
    shown.plan([f"step {number}" for number in range(1, 12)])
    with shown.step("step 3"):
        pass
    assert out.getvalue() == f"[ 3/11] {'step 3':<34}     0.0 s\n"


def test_a_failing_step_says_so_and_raises() -> None:
    out = io.StringIO()
    shown = Progress(out)
    with pytest.raises(ValueError, match="boom"), shown.step("one"):
        raise ValueError("boom")
    assert lines(out) == ["[1/1] one N s  FAILED"]
    assert "one" in shown.timings


def test_a_step_without_a_plan_is_added_to_it() -> None:
    out = io.StringIO()
    shown = Progress(out)
    with shown.step("one"):
        pass
    with shown.step("two"):
        pass
    assert lines(out) == ["[1/1] one N s", "[2/2] two N s"]


def test_a_log_gets_a_detail_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with Progress(out).step("build") as step:
        step.live("1 of 9")
        assert out.getvalue() == ""
        monkeypatch.setattr(progress, "LOG_INTERVAL", 0.0)
        step.live("2 of 9")
    assert out.getvalue().splitlines()[0] == "        build: 2 of 9 (0 s)"


def test_a_terminal_sees_the_detail_at_once_and_no_rest_of_it() -> None:
    out = Terminal()
    with Progress(out).step("build") as step:
        step.live("k8s.io/apiserver 812 of 1904")
        assert "k8s.io/apiserver 812 of 1904" in out.getvalue()
    last = out.getvalue().rpartition(progress.ERASE_LINE)[2]
    assert re.fullmatch(r"\[1/1\] build +\d+\.\d s\n", last)


def test_a_terminal_sees_the_seconds_of_a_silent_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REDRAW_INTERVAL", 0.01)
    drawn = threading.Event()

    class Watched(Terminal):
        def write(self, text: str) -> int:
            drawn.set()
            return super().write(text)

    with Progress(Watched()).step("kubeadm init"):
        assert drawn.wait(5)


def test_steps_of_several_threads_keep_their_own_lines() -> None:
    out = io.StringIO()
    shown = Progress(out)
    shown.plan(["main", "beside"])

    def beside() -> None:
        with shown.step("beside"):
            pass

    with shown.step("main"):
        thread = threading.Thread(target=beside)
        thread.start()
        thread.join()
    assert lines(out) == ["[2/2] beside N s", "[1/2] main N s"]
