"""Calling the lab and the suite on it, and what runs of the suite have in the cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAB = [sys.executable, "-m", "lab"]
SUITE = [*LAB, "run", "--", sys.executable, "-m", "pytest_k8snet", "--k8s-context", "k8snet-lab"]
SPACES = "app.kubernetes.io/managed-by=pytest-k8snet"


def lab_output(*argv: str) -> str:
    """Output of a command of the lab, which must succeed."""
    done = subprocess.run([*LAB, *argv], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def namespaces() -> list[str]:
    """Namespaces that runs of the suite have made and not removed."""
    found = lab_output("kubectl", "get", "namespaces", "-l", SPACES, "-o", "jsonpath={.items[*].metadata.name}")
    return found.split()
