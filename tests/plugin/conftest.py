"""Inner runs of pytest with the plugin, against recordings or against a simulated session."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cluster_recording
import pytest

CELLS = tuple(
    word for ids in ("NET-REACH-00*", "NET-REACH-01[0-5]", "NET-REACH-019", "NET-NAT-00[1-7]") for word in ("--k8snet-requirement", ids)
)
# A shell starts its background jobs with SIGINT ignored, and so would everything that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
INSTALLED = any(point.value.startswith("pytest_k8snet") for point in entry_points(group="pytest11"))


class Outcome:
    """What an inner run left: exit code, terminal lines, report, JUnit."""

    def __init__(self, result: pytest.RunResult, folder: Path) -> None:
        self.code, self.lines, self.errors = int(result.ret), result.outlines, result.errlines
        self.text = "\n".join(result.outlines)
        self._report, self._junit = _text(folder / "report.json"), _text(folder / "junit.xml")

    @property
    def last(self) -> str:
        return next(line for line in reversed(self.lines) if line.strip())

    @property
    def wrote(self) -> bool:
        return bool(self._report)

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self._report)

    @property
    def junit(self) -> ElementTree.Element:
        return ElementTree.fromstring(self._junit)[0]

    def statuses(self) -> dict[tuple[str, ...], str]:
        """(requirement, source, target, node, protocol) -> status."""
        keys = ("source", "target", "node", "protocol")
        return {(r["requirement"], *(r["subject"].get(key, "") for key in keys)): r["status"] for r in self.report["results"]}


def _text(path: Path) -> str:
    """What this run wrote, gone before the next one can be taken for it."""
    if not path.exists():
        return ""
    text = path.read_text("utf-8")
    path.unlink()
    return text


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run pytest in an empty folder with a report and JUnit; `apart` runs it in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", ":".join([str(Path(cluster_recording.__file__).parent), str(_package())]))
    plugin = [] if INSTALLED else ["-p", "pytest_k8snet.plugin"]

    def start(*arguments: object, apart: bool = False) -> Outcome:
        wanted = [*plugin, "-p", "no:cacheprovider", *map(str, arguments)]
        result = pytester.runpytest_subprocess(*wanted) if apart else pytester.runpytest_inprocess(*wanted)
        return Outcome(result, pytester.path)

    return start


@pytest.fixture
def replay(run: Callable[..., Outcome], pytester: pytest.Pytester) -> Callable[..., Outcome]:
    """Judge a recording with the bundled suite, as far as it is about cells."""

    def start(recording: Any = None, *arguments: object, select: tuple[str, ...] = CELLS, apart: bool = False) -> Outcome:
        path = cluster_recording.save(pytester.path / "recording.zip", recording)
        outputs = ("--k8snet-report", "report.json", "--junitxml", "junit.xml")
        return run("--k8snet-replay", path, *select, *outputs, *arguments, apart=apart)

    return start


def _package() -> Path:
    import pytest_k8snet

    return Path(pytest_k8snet.__file__).parent.parent
