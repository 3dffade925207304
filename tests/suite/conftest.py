"""The replay harness: take a healthy recording, edit raw text, objects or frames, judge it by the bundled suite, compare statuses.

Only what a cluster or an agent said is ever edited, never a parsed value or a status: parsers, plans and checks are all under test.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from judged import Judged
from proofs import MENDED
from spoiling import Evidence, short_names

from pytest_k8snet.__main__ import main
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.parse.objects import inventory

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "recordings"
# Two of them collect garbage, half of the time of a replay; one sums up all tests that ever ran.
_OFF = ("xdist", "faulthandler", "unraisableexception", "threadexception", "hypothesispytest")
_QUIET = ("-qq", "--tb=no", "--capture=no", *(word for plugin in _OFF for word in ("-p", f"no:{plugin}")))


@pytest.fixture(scope="session", params=["healthy-vxlan-iptables"])
def recorded(request: pytest.FixtureRequest) -> Recording:
    """A recording of a healthy real cluster, by name; not to be changed. A known defect of what ran there is mended."""
    recording = Recording.read(RECORDINGS / f"{request.param}.zip")
    if request.param not in MENDED:
        return recording
    evidence = Evidence(recording)
    MENDED[request.param](evidence)
    return evidence.recording


@pytest.fixture
def evidence(recorded: Recording) -> Evidence:
    """A healthy recording of one's own."""
    return Evidence(recorded)


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Judged]:
    """Replay a recording with the bundled suite, in this process."""
    folder = tmp_path_factory.mktemp("replay")

    def replay(recording: Recording | Evidence, *options: str) -> Judged:
        path, report = folder / "recording.zip", folder / "report.json"
        raw = recording.recording if isinstance(recording, Evidence) else recording
        raw.write(path)
        report.unlink(missing_ok=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = main(["--k8snet-replay", str(path), "--k8snet-report", str(report), *_QUIET, *options])
        assert report.exists(), f"exit code {code} without a report:\n{printed.getvalue()[-4000:]}"
        short = recording.short if isinstance(recording, Evidence) else short_names(inventory(raw))
        return Judged(code, json.loads(report.read_text("utf-8")), short)

    return replay


@pytest.fixture(scope="session")
def healthy(recorded: Recording, judge: Callable[..., Judged]) -> Judged:
    """How the recording is judged while nothing is spoilt."""
    return judge(recorded)
