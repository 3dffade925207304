"""One run as the controller sees it: open, collect, close. Knows nothing of pytest's hooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Keep

from . import recorded
from .demand import Case, Demand
from .state import State

if TYPE_CHECKING:
    from pytest_k8snet.collect.session import Session

Progress = Callable[[str, str, bool], None]


class Run:
    """Fills `state`. UsageProblem goes to the caller; NoVerdict becomes the state's problem."""

    def __init__(self, state: State, progress: Progress) -> None:
        self.state, self._progress = state, progress
        self.started = now()
        self.left_behind: tuple[str, ...] = ()
        self.collected = False  # whether anything may have been created
        self._session: Session | None = None
        self._written = self._kept = False

    @property
    def live(self) -> bool:
        """Whether a cluster is assessed, not a recording."""
        return self.state.settings.replay is None

    @property
    def kept(self) -> bool:
        """Whether the probe pods stay because the user wants it."""
        return self._kept

    def open(self) -> None:
        """Discover the cluster, or read the recording; then work out what is demanded. Raises UsageProblem."""
        try:
            inventory = self._discover() if self.live else self._replay()
            self.state.demand = Demand(self.state.settings, inventory)
        except NoVerdict as problem:
            self.state.problem = str(problem)

    def collect(self, cases: Iterable[Case]) -> None:
        """Observe what the cases need; does nothing for a replay, or when nothing is left to judge. Raises UsageProblem."""
        chosen = [case for case in cases if case.plans and not case.skip]
        if not self.live or not chosen or self.state.demand is None or self._session is None:
            return
        recorded.note(self._session.recording, self.state.settings)
        self.collected = True
        try:
            self.state.recording = self._session.collect(self.state.demand.needs(chosen), self.state.demand.asked(chosen))
        except NoVerdict as problem:
            self.state.problem = str(problem)
        self.write_recording()

    def close(self, failed: bool) -> None:
        """Remove everything that was created; a second Ctrl-C during it starts it again instead of cutting it off."""
        session = self._session
        if session is None:
            return
        keep = self.state.settings.keep
        self._kept = self.collected and (keep is Keep.ALWAYS or (failed and keep is Keep.ON_FAILURE))
        try:
            self.left_behind = _closed(session, failed)
        except KeyboardInterrupt:
            self.left_behind = _closed(session, failed)
        self._session = None
        if not self._written:
            self._write(session.recording)

    def write_recording(self) -> None:
        """Write the recording where the user wants it, at once: what comes later must not lose it."""
        if self._session is not None:
            self._write(self._session.recording)

    def _write(self, recording: Recording) -> None:
        path = self.state.settings.record
        if path is not None:
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            recording.write(draft)
            draft.replace(path)
            self._written = True

    def _discover(self) -> Inventory:
        from pytest_k8snet.collect.session import Session

        self._session = Session(self.state.settings, self._progress)
        return self._session.discover()

    def _replay(self) -> Inventory:
        path = self.state.settings.replay or Path()
        recording = recorded.read(path)
        self.state.settings = recorded.under(
            self.state.settings, recording.meta.get(recorded.KEY) or {}, str(recording.meta.get("run_id", ""))
        )
        self.state.recording = recording
        return self._expected(recorded.described(path, recording))

    def _expected(self, found: Inventory) -> Inventory:
        """Raises UsageProblem if the recording is of another cluster than the one that is meant."""
        wanted = self.state.settings.expect_cluster
        if wanted and found.cluster_uid != wanted:
            uid = found.cluster_uid or "unknown"
            raise UsageProblem(f"the recording is of the cluster whose kube-system has UID {uid}; --k8snet-expect-cluster says {wanted}")
        return found


def _closed(session: Session, failed: bool) -> tuple[str, ...]:
    try:
        return session.close(failed)
    except Exception as error:  # whatever it is: the verdict must still be told, and that clean-up is not proven
        return (f"unknown, clean-up broke off: {type(error).__name__}: {error}",)


def now() -> str:
    """The time as RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="seconds")
