"""Seconds of a run by phase, peak memory and API requests, on a lab that is up: `python benchmarks/suite.py [pytest arguments]`."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

LAB = [sys.executable, "-m", "lab"]
SUITE = [sys.executable, "-m", "pytest_k8snet", "--k8s-context", "k8snet-lab", "-q"]


def api_requests() -> int:
    """Requests of pytest-k8snet that the API server itself has counted so far (exec streams included)."""
    text = subprocess.run([*LAB, "kubectl", "get", "--raw", "/metrics"], check=True, capture_output=True, text=True).stdout
    lines = (line for line in text.splitlines() if line.startswith("apiserver_request_total{"))
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


def background(seconds: float) -> float:
    """Requests that the cluster makes by itself in that time."""
    before = api_requests()
    time.sleep(seconds)
    return api_requests() - before


def nodes() -> int:
    text = subprocess.run([*LAB, "kubectl", "get", "nodes", "-o", "name"], check=True, capture_output=True, text=True).stdout
    return len(text.split())


def run(arguments: list[str], recording: Path) -> tuple[float, int]:
    """Wall seconds and exit code of one run."""
    started = time.monotonic()
    code = subprocess.run([*LAB, "run", "--", *SUITE, "--k8snet-record", str(recording), *arguments], check=False).returncode
    return time.monotonic() - started, code


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "run.zip"
        idle = background(10) / 10
        before = api_requests()
        wall, code = run(sys.argv[1:], recording)
        counted = api_requests() - before
        meta = json.loads(zipfile.ZipFile(recording).read("meta.json"))
    print_table(wall, meta, counted, idle, nodes())
    return code


def print_table(wall: float, meta: dict[str, object], counted: int, idle: float, count: int) -> None:
    phases = meta["seconds"]
    assert isinstance(phases, dict)
    for name, seconds in phases.items():
        print(f"{name:<12}{seconds:8.1f} s")
    print(f"{'rest':<12}{wall - sum(phases.values()):8.1f} s   (start, collection, judging, report)")
    print(f"{'wall':<12}{wall:8.1f} s")
    print(f"peak memory of the largest process {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")
    print(f"API requests: {meta['requests']} by our own count, bound 14 N + 80 = {14 * count + 80};")
    print(f"the API server counted {counted} in all, about {idle * wall:.0f} of them the cluster's own ({idle:.1f} a second when idle)")


if __name__ == "__main__":
    assert re.match(r"3\.1[1-9]", sys.version), "Python 3.11 or newer"
    sys.exit(main())
