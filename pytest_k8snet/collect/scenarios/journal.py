"""What the scenarios of a run did and saw, into the recording: every entry with its scenario, step and time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_k8snet.cluster.connection import Answer
from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.recording import Recording


class Journal:
    """Of one scenario. Times are seconds since the scenarios of this run began."""

    def __init__(self, recording: Recording, scenario: str, begun: float) -> None:
        self._recording, self._scenario, self._begun = recording, scenario, begun
        self.step = ""

    def note(self, state: str, **more: Any) -> None:
        """An event: a step or the whole scenario reached a state."""
        entry = {"what": "scenario", "scenario": self._scenario, "step": self.step, "state": state, "at": self._now()}
        self._recording.append("events", {**entry, **more})

    def frame(self, source: Endpoint, frame: Mapping[str, Any]) -> None:
        """What an agent answered."""
        self._recording.append("frames", {"source": str(source), "frame": frame, **self._place()})

    def object(self, verb: str, name: str, answer: Answer) -> None:
        """What the API answered, or showed in a watch, about an object ("Service/web")."""
        entry = {"name": f"scenario/{self._scenario}/{self.step}/{name}", "verb": verb, "status": answer.status, "body": answer.body}
        self._recording.append("objects", {**entry, "at": self._now()})

    def watched(self, name: str, bodies: Iterable[Mapping[str, Any]]) -> None:
        """What the API showed of some objects."""
        self.object("watched", name, Answer(200, {"items": list(bodies)}))

    def pod(self, entry: Mapping[str, Any]) -> None:
        """Where a pod of the scenario ended up, in the shape of the fleet's own."""
        self._recording.append("fleet", {**entry, **self._place()})

    def event(self, entry: Mapping[str, Any]) -> None:
        """Any other event, in the shape that its readers know."""
        self._recording.append("events", {**entry, **self._place()})

    def _place(self) -> dict[str, Any]:
        return {"scenario": self._scenario, "step": self.step, "at": self._now()}

    def _now(self) -> float:
        return round(time.monotonic() - self._begun, 3)
