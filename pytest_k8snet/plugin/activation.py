"""Join a run: settings, outputs, and the plugins of this process's role."""

from __future__ import annotations

import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.settings import Settings

from . import outputs
from . import settings as reading
from .inert import Inert


def activate(config: pytest.Config, bare: bool) -> None:
    """Read the settings; with a cluster or a recording register what assesses it. Raises pytest.UsageError."""
    try:
        settings = reading.build(config)
        if not settings.active:
            config.pluginmanager.register(Inert(), "k8snet-inert")
            return
        _require_assertions()
        if hasattr(config, "workerinput"):
            _join(config, settings, bare)
        else:
            outputs.prepare(settings)
            _own(config, settings, bare)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None


def _require_assertions() -> None:
    """A test whose assertions are compiled away passes whatever the network does."""
    if not __debug__:
        raise UsageProblem("Python runs without assertions, so no test could fail: unset PYTHONOPTIMIZE and drop -O")


def _own(config: pytest.Config, settings: Settings, bare: bool) -> None:
    """The only process, or the controller of a distributed run."""
    from .controller import Controller
    from .distributed import Distribution
    from .state import State

    state = State(settings, bare=bare)
    controller = Controller(config, state)
    config.pluginmanager.register(controller, "k8snet-controller")
    if config.getoption("numprocesses", None) or config.getoption("tx", None):
        if settings.plan:
            raise UsageProblem("--k8snet-plan needs one process: drop -n")
        config.pluginmanager.register(Distribution(state, controller), "k8snet-distribution")
    _judge(config, state)


def _join(config: pytest.Config, settings: Settings, bare: bool) -> None:
    """A worker."""
    from .distributed import Worker
    from .handover import KEY, Handover
    from .state import State

    handed = config.workerinput  # type: ignore[attr-defined]
    worker = Worker(Handover.loads(handed[KEY]), handed["workerid"])
    config.pluginmanager.register(worker, "k8snet-worker")
    _judge(config, worker.state(State(settings, bare=bare)))


def _judge(config: pytest.Config, state: object) -> None:
    from . import fixtures
    from .judge import Judge
    from .state import STATE, State

    assert isinstance(state, State)
    config.stash[STATE] = state
    config.pluginmanager.register(fixtures, "k8snet-fixtures")
    config.pluginmanager.register(Judge(state), "k8snet-judge")
