"""A run under xdist: the controller collects once, after the last worker has finished collecting items; workers only judge."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_k8snet.model.recording import Recording

from . import recorded
from .controller import Controller
from .demand import Demand
from .handover import KEY, PROBLEM, RECORDING, Handover, read_selection, write_selection
from .judge import selected
from .state import State


class Distribution:
    """Registered in the controller, beside `Controller`; its hooks are xdist's and never called without it."""

    def __init__(self, state: State, controller: Controller) -> None:
        self._state, self._controller = state, controller
        self._folder = Path(tempfile.mkdtemp(prefix="k8snet-"))
        self._collected: dict[str, list[str]] = {}
        self._done = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand over the inventory. Raises pytest.UsageError for a worker on another machine, which cannot read our files."""
        if not node.gateway.spec.popen:
            raise pytest.UsageError(f"worker {node.gateway.id} ({node.gateway.spec}) is remote: only local workers can judge, use -n N")
        demand, recording = self._state.demand, self._state.recording
        replayed = recording is not None and not self._controller.run.live
        noted = recording.meta.get(recorded.KEY, {}) if recording is not None and replayed else {}
        inventory = demand.inventory if demand else None
        handover = Handover(self._folder, self._state.settings.run_id, self._state.problem, inventory, noted)
        node.workerinput[KEY] = handover.dumps()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Collect when the last worker has named its items; scheduling waits for this hook to return."""
        self._collected[node.gateway.id] = list(ids)
        if self._done or len(self._collected) < node.workerinput["workercount"]:
            return
        self._done = True
        first, *others = self._collected.values()
        if all(other == first for other in others):
            self._collect(node.gateway.id)
        else:
            self._state.problem = "the workers did not collect the same items"
            self._tell()

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """The folder goes with the run."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _collect(self, worker: str) -> None:
        if self._state.demand is not None:
            path = Handover(self._folder, "", "", None, {}).selection(worker)
            self._controller.collect(read_selection(path, self._state.demand))
        self._tell()

    def _tell(self) -> None:
        if self._state.problem or self._state.recording is None:
            (self._folder / PROBLEM).write_text(self._state.problem or "nothing was collected", "utf-8")
        else:
            self._state.recording.write(self._folder / RECORDING)


class Worker:
    """Registered in a worker."""

    def __init__(self, handover: Handover, worker: str) -> None:
        self._handover, self._worker = handover, worker

    def state(self, state: State) -> State:
        """The worker's state, from its own options and what was handed over."""
        handover = self._handover
        state.settings = recorded.under(replace(state.settings, run_id=handover.run_id), handover.noted, handover.run_id)
        state.problem = handover.problem
        state.demand = Demand(state.settings, handover.inventory) if handover.inventory else None
        state.load = self._recording
        return state

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Name the selected items before xdist reports that collection is over."""
        write_selection(self._handover.selection(self._worker), selected(session.items))

    def _recording(self) -> Recording | str:
        return self._handover.recording()
