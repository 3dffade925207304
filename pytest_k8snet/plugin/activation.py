"""Join a run: settings, outputs, and the plugins of this process's role."""

from __future__ import annotations

import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.settings import Settings

from . import settings as reading

SETTINGS = pytest.StashKey[Settings]()


def activate(config: pytest.Config) -> None:
    """Read the settings; with a cluster or a recording register what assesses it. Raises pytest.UsageError."""
    try:
        config.stash[SETTINGS] = reading.build(config)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
