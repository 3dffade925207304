"""Running the suite on the lab, and on a recording of such a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import process
from lab.errors import LabError
from lab.injection import report
from lab.injection.report import Results

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = "k8snet-lab"
LONGEST = 300.0  # seconds that a run on a broken lab may take
CLEANING = 90.0  # seconds that a run told to end may take to remove what it made


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the suite that came to a verdict: its cells, exit code and files."""

    results: Results
    code: int
    report: Path
    recording: Path


def live(folder: Path, name: str, *options: str) -> Run:
    """Run the whole suite on the lab; report and recording go to `folder`. LabError if it gives no verdict."""
    files = folder / f"{name}.json", folder / f"{name}.zip"
    lab = [sys.executable, "-m", "lab", "run", "--", sys.executable, "-m", "pytest_k8snet", "--k8s-context", CONTEXT]
    return _run([*lab, "--k8snet-record", str(files[1]), *options], *files)


def replayed(run: Run, name: str) -> Run:
    """Judge the recording of a run anew, without the lab."""
    file = run.report.with_name(f"{name}.json")
    return _run([sys.executable, "-m", "pytest_k8snet", "--k8snet-replay", str(run.recording)], file, run.recording)


def _run(argv: Sequence[str], file: Path, recording: Path) -> Run:
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in {file, recording} if "--k8snet-record" in argv else {file}:
        old.unlink(missing_ok=True)
    command = [*argv, "--k8snet-report", str(file), "-q", "--tb=no"]
    log = file.with_suffix(".log")
    code = _ended(command, log)
    if code not in (0, 1, 2, 12) or not file.exists():
        output = process.last_lines(log.read_text())
        raise LabError(f"the suite gave no verdict (exit code {code}):\n{output}")
    return Run(report.read(file), code, file, recording)


def _ended(command: Sequence[str], log: Path) -> int:
    """Exit code of a run. One that takes too long is told to end, so that it takes its pods away; LabError then."""
    with log.open("w") as stream:
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
        try:
            return child.wait(LONGEST)
        except subprocess.TimeoutExpired:
            output = process.last_lines(log.read_text())
            raise LabError(f"the suite was not done after {LONGEST:.0f} s:\n{output}") from None
        finally:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(CLEANING)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def reach_requirements() -> dict[str, set[str]]:
    """Which requirement demands the conversation whose property another one judges: `reach` in the suite's matrix."""
    lines = yaml.safe_load((ROOT / "conformance" / "matrix.yaml").read_text())["lines"]
    found: dict[str, set[str]] = {}
    for line in lines:
        if "reach" in line:
            found.setdefault(line["requirement"], set()).add(line["reach"])
    return found
