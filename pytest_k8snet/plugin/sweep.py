"""`--k8snet-sweep`: remove what died runs left behind, as far as it has expired."""

from __future__ import annotations

import sys

import pytest

from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.verdict import ExitCode

from . import settings as reading


def run(config: pytest.Config) -> int:
    """Sweep and say what was removed. Returns the exit code. Raises pytest.UsageError."""
    try:
        settings = reading.build(config)
        if not settings.context:
            raise UsageProblem("--k8snet-sweep needs --k8s-context NAME")
        from pytest_k8snet.cluster.connection import connect
        from pytest_k8snet.cluster.sweep import sweep

        removed = sweep(connect(settings))
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    except NoVerdict as problem:
        sys.stderr.write(f"k8snet: no sweep: {problem}\n")
        return int(ExitCode.NO_VERDICT)
    for name in removed:
        sys.stdout.write(f"k8snet: removed namespace {name}\n")
    sys.stdout.write(f"k8snet: {len(removed)} expired namespace{'' if len(removed) == 1 else 's'} removed\n")
    return 0
