"""`-p simulated_session`: in place of the session that touches the cluster, one that hands out a recording and notes what it was asked."""

from __future__ import annotations

import os
import signal
import sys
import time
import types
from pathlib import Path

import cluster_recording

from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.parse.objects import inventory

NOTES = Path("notes.txt")
BEHAVIOUR = os.environ.get("SIMULATED", "")


def note(text: str) -> None:
    with NOTES.open("a") as file:
        file.write(text + "\n")


class Session:
    """Behaves as the environment variable SIMULATED says."""

    def __init__(self, settings, progress):
        self.settings, self.progress = settings, progress
        self.recording = cluster_recording.recording()
        self.recording.meta["run_id"] = cluster_recording.RUN

    def discover(self):
        note("discover")
        if BEHAVIOUR == "unreachable":
            raise NoVerdict("context lab: https://127.0.0.1:1 refused the connection")
        if BEHAVIOUR == "no-context":
            raise UsageProblem("no context 'lab' in kubeconfig; known: staging")
        return inventory(self.recording)

    def collect(self, needs, plans):
        note(f"collect {len(tuple(plans))} probes, roles {','.join(sorted(needs.roles))}")
        self.progress("fleet", "2 of 3 pods ready", False)
        self.progress("fleet", "3 of 3 pods ready", True)
        if BEHAVIOUR == "not-ready":
            raise NoVerdict("no probe pod became ready: worker1: image cannot be pulled")
        if BEHAVIOUR == "foreign":
            raise UsageProblem("namespace k8snet-x-restricted exists and does not carry our label")
        if BEHAVIOUR == "bug":
            raise ZeroDivisionError("a bug while collecting")
        if BEHAVIOUR in ("sigterm", "sigint"):
            os.kill(os.getpid(), signal.SIGTERM if BEHAVIOUR == "sigterm" else signal.SIGINT)
            time.sleep(30)
        if "broken-node" in BEHAVIOUR:
            cluster_recording.fail(self.recording, "@worker1", "@worker2")
        return self.recording

    def close(self, failed=False):
        note(f"close failed={failed}")
        return ("pod k8snet-x-restricted/a-worker1",) if "leftover" in BEHAVIOUR else ()


replacement = types.ModuleType("pytest_k8snet.collect.session")
replacement.Session = Session
sys.modules[replacement.__name__] = replacement
