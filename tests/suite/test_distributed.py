"""Judged by two workers, a recording gives the same report as judged by one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from judged import Judged
from proofs import PROOFS

import pytest_k8snet

MIXED = ("NET-REACH-005", "NET-SERVICE-005", "NET-PATH-003", "NET-DNS-015", "NET-DNS-009", "NET-FLANNEL-017", "NET-PROXY-010")


def test_two_workers_judge_alike(evidence, judge, tmp_path):
    for id in MIXED:
        next(proof for proof in PROOFS if proof.requirement == id).edit(evidence)
    path, report = tmp_path / "recording.zip", tmp_path / "report.json"
    evidence.recording.write(path)
    command = [
        sys.executable,
        "-m",
        "pytest_k8snet",
        "--k8snet-replay",
        str(path),
        "--k8snet-report",
        str(report),
        "-n",
        "2",
        "--tb=no",
        "-q",
    ]
    package = str(Path(pytest_k8snet.__file__).parents[1])
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": package}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-3000:]
    alone, together = judge(evidence), Judged(done.returncode, json.loads(report.read_text("utf-8")), evidence.short)
    assert together.differs(alone) == {}
    assert {item: together.message(item) for item in together.results} == {item: alone.message(item) for item in alone.results}
    assert set(together.statuses.values()) == {"passed", "failed", "warning", "inconclusive", "skipped"}
