"""Builds that go well, fail, run out of disk or are killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_go
import pytest

from lab.artifacts import gotools
from lab.artifacts.cache import Cache, Component
from lab.artifacts.command import ArtifactError, Runner
from lab.progress import Step

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fake_go.install(tmp_path / "path", fake_go.GOOD_GO, monkeypatch)
    return fake_go.write_tools(tmp_path, monkeypatch)


def test_a_built_tool_lies_in_the_folder_of_its_key(cache: Cache, tools: Path, runner: Runner, step: Step) -> None:
    component = gotools.component(fake_go.TOOL, runner)
    assert not cache.has(component)
    folder = cache.build(component, step)
    assert folder == cache.artifacts / f"demo-{fake_go.TOOL.key}"
    assert (folder / "bin" / "renamed").read_text() == "compiled\n"
    assert cache.has(component)
    assert component.title == "build demo v1.2.3"
    assert list(cache.artifacts.iterdir()) == [folder]


def test_go_is_called_as_the_pins_need_it(cache: Cache, tools: Path, runner: Runner, step: Step, tmp_path: Path, monkeypatch) -> None:
    seen = tmp_path / "seen"
    show = f'echo "$PWD $GOTOOLCHAIN $GOFLAGS $CGO_ENABLED $@" >> {seen}\n'
    fake_go.install(tmp_path / "path", show + fake_go.GOOD_GO, monkeypatch)
    cache.build(gotools.component(fake_go.TOOL, runner), step)
    build = seen.read_text().splitlines()[-1]
    assert build.startswith(
        f"{tools} local -buildvcs=false 0 build -v -mod=readonly -trimpath -ldflags -s -w -X example.test/demo.Version=v1.2.3 -o "
    )


def test_a_failing_build_shows_the_end_of_its_log_and_where_it_lies(
    cache: Cache, tools: Path, step: Step, tmp_path: Path, monkeypatch
) -> None:
    broken = '[ "$1" = env ] && echo go1.99.0 && exit\n[ "$1" = list ] && exit\nseq 1 40 >&2; echo "undefined: runCProxy" >&2; exit 3\n'
    fake_go.install(tmp_path / "path", broken, monkeypatch)
    component = gotools.component(fake_go.TOOL, Runner(cache.logs))
    with pytest.raises(ArtifactError) as failure:
        cache.build(component, step)
    lines = str(failure.value).splitlines()
    assert lines[0] == "build demo v1.2.3 failed (exit code 3); the last lines of its log:"
    assert lines[1:-1] == [*(f"  {number}" for number in range(27, 41)), "  undefined: runCProxy"]
    log = cache.logs / "demo.log"
    assert lines[-1] == f"The whole log: {log}"
    assert "\n1\n2\n" in log.read_text()
    assert list(cache.artifacts.iterdir()) == []


def test_a_full_disk_is_one_line(cache: Cache, tools: Path, step: Step, tmp_path: Path, monkeypatch) -> None:
    fake_go.install(
        tmp_path / "path", 'if [ "$1" = build ]; then echo "write x: no space left on device"; exit 1; fi\necho v\n', monkeypatch
    )
    with pytest.raises(ArtifactError) as failure:
        cache.build(gotools.component(fake_go.TOOL, Runner(cache.logs)), step)
    expected = f"the disk is full (no space left for {cache.root}, or for Go's own caches); free some space and run it again"
    assert str(failure.value) == f"build demo v1.2.3: {expected}"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_in_our_own_writing_is_the_same_line(cache: Cache, step: Step, number: int) -> None:
    def build(folder: Path, step: Step) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(ArtifactError, match=r"^seed: the disk is full \(no space left for .*\); free some space and run it again$"):
        cache.build(Component("seed", "seed", "key", build), step)


def test_another_error_of_the_system_stays_what_it_is(cache: Cache, step: Step) -> None:
    def build(folder: Path, step: Step) -> None:
        (folder / "absent").read_text()

    with pytest.raises(FileNotFoundError):
        cache.build(Component("seed", "seed", "key", build), step)
    assert list(cache.artifacts.iterdir()) == []


def test_a_folder_that_another_run_made_meanwhile_is_kept(cache: Cache, step: Step) -> None:
    def build(folder: Path, step: Step) -> None:
        other = cache.artifacts / "seed-key"
        other.mkdir()
        (other / "made").write_text("by the other run")

    folder = cache.build(Component("seed", "seed", "key", build), step)
    assert (folder / "made").read_text() == "by the other run"
    assert list(cache.artifacts.iterdir()) == [folder]


KILLED = """
import signal
import sys
from pathlib import Path
from lab.artifacts.cache import Cache, Component
from lab.artifacts.command import Runner
from lab.progress import Progress, Step
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts its background jobs with SIGINT ignored
cache = Cache(Path(sys.argv[1]))
script = "echo $$ > $0.new; mv $0.new $0; exec sleep 300"
def build(folder, step):
    (folder / "half").write_text("half")
    Runner(cache.logs).run(["sh", "-c", script, sys.argv[2]], what="x", log="x.log")
cache.build(Component("seed", "seed", "key", build), Step(Progress(), "seed"))
"""


def wait_for(condition, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_build_leaves_no_final_folder_and_no_process(cache: Cache, step: Step, tmp_path: Path, number: int) -> None:
    pid_file = tmp_path / "pid"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(cache.root), str(pid_file)], cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    assert wait_for(pid_file.exists)
    child.send_signal(number)
    child.wait()
    assert wait_for(lambda: not running(int(pid_file.read_text())))
    assert not (cache.artifacts / "seed-key").exists()
    left = [path.name for path in cache.artifacts.iterdir()]
    assert left == ([f".seed-key.{child.pid}"] if number == signal.SIGKILL else [])
    built = cache.build(Component("seed", "seed", "key", lambda folder, step: None), step)
    assert list(cache.artifacts.iterdir()) == [built]


def test_the_half_of_a_build_that_still_runs_is_left_alone(cache: Cache, step: Step) -> None:
    other = cache.artifacts / f".other-key.{os.getpid()}"
    other.mkdir(parents=True)
    cache.build(Component("seed", "seed", "key", lambda folder, step: None), step)
    assert other.is_dir()


def test_after_stop_nothing_starts(runner: Runner) -> None:
    runner.stop()
    with pytest.raises(ArtifactError, match=r"^x: not started, another step failed$"):
        runner.run(["true"], what="x", log="x.log")


def test_each_line_is_handed_on(runner: Runner) -> None:
    seen: list[str] = []
    assert runner.run(["printf", r"one\ntwo\n"], what="x", log="x.log", line=seen.append) == "one\ntwo\n"
    assert seen == ["one", "two"]


def test_a_terminal_sees_how_many_packages_are_compiled(
    cache: Cache, tools: Path, runner: Runner, step: Step, tmp_path: Path, monkeypatch
) -> None:
    downloads = '[ "$1" = list ] && echo "go: downloading example.test/demo v1.2.3"\n[ "$1" = build ] && echo example.test/demo\n'
    fake_go.install(tmp_path / "path", downloads + fake_go.GOOD_GO, monkeypatch)
    shown: list[str] = []
    monkeypatch.setattr(Step, "live", lambda step, text: shown.append(text))
    cache.build(gotools.component(fake_go.TOOL, runner), step)
    assert shown[0] == "go: downloading example.test/demo v1.2.3"
    assert shown[-1] == "1 of 2 packages, example.test/demo"
