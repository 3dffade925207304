"""One run against a cluster: connect, look, place probe pods, ask, read, and leave nothing behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from pytest_k8snet.cluster.connection import Connection, connect
from pytest_k8snet.cluster.discovery import discover
from pytest_k8snet.cluster.preflight import check
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Keep, Settings
from pytest_k8snet.parse.objects import inventory as inventory_of
from pytest_k8snet.plan.matrix import CellPlan
from pytest_k8snet.plan.selection import NOTHING, Needs

from .fleet import Fleet
from .interview import Interview
from .scenarios.play import play

Progress = Callable[[str, str, bool], None]  # phase, text, whether the phase is over


class Session:
    """Owns everything that a run creates. `close` is idempotent and safe at any moment, also when `collect` was cut off."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        self.recording = Recording(_meta(settings))
        self._connection: Connection | None = None
        self._inventory: Inventory | None = None
        self._needs = NOTHING
        self._fleet: Fleet | None = None
        self._interview: Interview | None = None
        self.seconds: dict[str, float] = {}

    def discover(self) -> Inventory:
        """Connect, check rights, read the API. Creates nothing. Raises UsageProblem or NoVerdict."""
        started = time.monotonic()
        self._connection = connect(self._settings)
        check(self._connection, self._settings, self.recording)
        discover(self._connection, self.recording, self._settings)
        self._inventory = inventory_of(self.recording)
        self.seconds["discovery"] = time.monotonic() - started
        return self._inventory

    def collect(self, needs: Needs, plans: Iterable[CellPlan]) -> Recording:
        """Place the pods that `needs` names, run the probes of `plans`, read the facts. Raises NoVerdict if no pod became ready."""
        assert self._connection is not None, "discover() comes first"
        assert self._inventory is not None
        self._needs = needs
        self._fleet = Fleet(self._connection, self._settings, self._inventory, needs, self.recording)
        self._interview = Interview(self._settings, self._inventory, needs, self.recording)
        self._place_hosts()
        self._place_pods()
        self._ask(plans)
        self.recording.meta |= {"finished": _now(), "seconds": self.seconds, "requests": self._connection.requests}
        return self.recording

    def close(self, failed: bool = False) -> tuple[str, ...]:
        """Stop the agents, delete what was created, and name what is still there."""
        kept = self._settings.keep is Keep.ALWAYS or (failed and self._settings.keep is Keep.ON_FAILURE)
        with self._phase("cleanup"):
            try:
                if self._interview is not None:
                    self._interview.close()
            finally:  # an agent that cannot be told to stop must not keep its pod
                left = () if self._fleet is None or kept else self._fleet.close()
        self._fleet = None  # only now: a close that was cut off is done again by the next one
        return left

    def _place_hosts(self) -> None:
        fleet, interview = self._running()
        with self._phase("hosts"):
            fleet.create_host()
            fleet.wait(self._settings.ready_timeout, self._pods_ready)
        with self._phase("facts"):
            interview.join(fleet.streams())
            interview.read_facts("before")
        self._progress("facts", interview.facts_read, True)

    def _place_pods(self) -> None:
        fleet, interview = self._running()
        with self._phase("fleet"):
            fleet.create_services()
            fleet.create_pods()
            fleet.wait(self._settings.ready_timeout, self._pods_ready)
            interview.join(fleet.streams())
        self._progress("fleet", f"{interview.connected} of {fleet.planned} pods ready", True)
        with self._phase("services"):
            interview.start_runner()
            interview.await_rules()
            interview.await_names()

    def _ask(self, plans: Iterable[CellPlan]) -> None:
        assert self._connection is not None
        fleet, interview = self._running()
        with self._phase("probes"):
            interview.read_pods()
            interview.probe(plans, lambda done, total: self._progress("probes", f"{done:,} of {total:,} answered", done == total))
        with self._phase("after"):
            # Objects before rules: a Service that appears in between must not look as if a node had forgotten it.
            discover(self._connection, self.recording, self._settings, again=True)
            interview.read_facts("after")
        self._play()
        with self._phase("count"):
            interview.count_nonces()
            fleet.read_events()

    def _play(self) -> None:
        """Scenarios come after everything that looks at the cluster as it stands: they change it."""
        assert self._inventory is not None
        fleet, interview = self._running()
        if self._needs.scenarios:
            with self._phase("scenarios"):
                play(self._needs.scenarios, fleet.ground(), self._inventory, interview.streams, self.recording)

    def _running(self) -> tuple[Fleet, Interview]:
        assert self._fleet is not None
        assert self._interview is not None
        return self._fleet, self._interview

    def _pods_ready(self, done: int, total: int) -> None:
        self._progress("fleet", f"{done} of {total} pods ready", False)

    def _phase(self, name: str) -> _Timer:
        return _Timer(self.seconds, name)


class _Timer:
    """Adds the time spent in a `with` block to a phase."""

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + time.monotonic() - self._started


def _meta(settings: Settings) -> dict[str, Any]:
    return {"context": settings.context, "run_id": settings.run_id, "namespace": settings.prefix, "started": _now()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
