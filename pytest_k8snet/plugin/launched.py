"""`python -m pytest_k8snet` is about a cluster: without one it must not run whatever tests lie in the current folder."""

from __future__ import annotations

import pytest

from .inert import NEEDED

_LISTING = ("collectonly", "showfixtures", "show_fixtures_per_test")


class Launched:
    """Registered by the launcher alone."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Raises pytest.UsageError if tests would run and nothing is to be judged. Help, versions and markers start no session."""
        given = session.config.option
        if given.k8snet_context or given.k8snet_replay or any(getattr(given, name, False) for name in _LISTING):
            return
        raise pytest.UsageError(f"python -m pytest_k8snet {NEEDED}; see what exists with --help, or rbac for the role a run needs")
