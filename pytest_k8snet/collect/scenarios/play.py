"""Plays the selected scenarios side by side, in threads, and sees them all end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording

from .exchange import Exchange, Stream
from .objects import Broken, Ground
from .scripts import SCRIPTS
from .stage import Common, Stage
from .watch import Watch

LIMIT = 120.0  # s for all scenarios together: what has not ended then is stopped
FAREWELL = 45.0  # s for a stopped scenario to put back what it changed


def play(names: Iterable[str], ground: Ground, inventory: Inventory, streams: Mapping[Endpoint, Stream], recording: Recording) -> None:
    """Return when every scenario has ended. Whatever cuts this off, each of them still comes to its own clean-up."""

    def lost(source: Endpoint, reason: str) -> None:
        recording.append("events", {"what": "stream-lost", "source": str(source), "reason": reason})

    stop = threading.Event()
    with Exchange(streams, ground.settings.rate, lost) as exchange:
        common = Common(ground, inventory, recording, streams, exchange, Watch(ground.connection, stop), stop, time.monotonic())
        threads = [threading.Thread(target=_play, args=(Stage(common, name),), name=f"k8snet-{name}") for name in sorted(names)]
        try:
            for thread in threads:
                thread.start()
            _join(threads, LIMIT)
        finally:
            stop.set()
            _join(threads, FAREWELL)


def _join(threads: Iterable[threading.Thread], seconds: float) -> None:
    ends = time.monotonic() + seconds
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, ends - time.monotonic()))


def _play(stage: Stage) -> None:
    try:
        SCRIPTS[stage.scenario](stage)
    except Broken as reason:
        stage.journal.note("broke", reason=str(reason))
    except Exception as error:  # a mistake of ours, or an API that cannot be reached: told as what it is, no verdict
        stage.journal.note("broke", reason=f"{type(error).__name__}: {error}")
    else:
        stage.journal.step = ""
        stage.journal.note("ended")
