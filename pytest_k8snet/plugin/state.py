"""What the hooks and fixtures of one process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.model.verdict import Inconclusive

from .demand import Demand
from .evidence import Bench


@dataclass(slots=True)
class State:
    """`problem` tells why nothing can be judged; `load` fetches the recording when the first item needs it (workers)."""

    settings: Settings
    demand: Demand | None = None
    problem: str = ""
    recording: Recording | None = None
    load: Callable[[], Recording | str] | None = None
    bare: bool = False  # the bundled suite runs because no path was given

    _bench: Bench | None = None

    def bench(self) -> Bench:
        """Where items find their evidence. Raises Inconclusive with the problem when there is nothing."""
        if self._bench is None:
            if self.recording is None and self.load and not self.problem:
                loaded = self.load()
                self.recording, self.problem = (loaded, "") if isinstance(loaded, Recording) else (None, loaded)
            if self.recording is None or self.demand is None or self.problem:
                raise Inconclusive(self.problem or "nothing was collected")
            self._bench = Bench(self.recording, self.demand.inventory)
        return self._bench


STATE = pytest.StashKey[State]()
