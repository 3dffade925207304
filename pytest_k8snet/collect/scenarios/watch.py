"""What the API shows of the scenarios' objects: one watch a kind and namespace for all scenarios, started when the first one waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pytest_k8snet.cluster.connection import Connection, Unreachable

WINDOW = 120  # s that one watch lasts
PAUSE = 1.0  # s before a watch that broke is started again
PATHS = {"pods": "/api/v1/namespaces/{}/pods", "endpointslices": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"}

Body = Mapping[str, Any]
Accept = Callable[[list[Body]], bool]


class Watch:
    """Objects as the API showed them last. Ends with the `with` block."""

    def __init__(self, connection: Connection, stop: threading.Event) -> None:
        self._connection, self._stop = connection, stop
        self._seen: dict[tuple[str, str], dict[str, Body]] = {}
        self._refused: dict[tuple[str, str], str] = {}
        self._changed = threading.Condition()

    def wait(self, kind: str, namespace: str, choose: Callable[[Body], bool], accept: Accept, seconds: float) -> list[Body]:
        """The objects of a namespace that `choose` picks, as soon as `accept` takes them, or as they are when time is over."""
        ends = time.monotonic() + seconds
        self._follow(kind, namespace)
        with self._changed:
            while True:
                found = [body for body in self._seen[kind, namespace].values() if choose(body)]
                left = ends - time.monotonic()
                if accept(found) or left <= 0 or self._stop.is_set():
                    return found
                self._changed.wait(min(left, 0.5))

    def problem(self, kind: str, namespace: str) -> str:
        """Why nothing is shown, "" if nothing is known to be in the way."""
        return self._refused.get((kind, namespace), "")

    def _follow(self, kind: str, namespace: str) -> None:
        with self._changed:
            if (kind, namespace) in self._seen:
                return
            self._seen[kind, namespace] = {}
        threading.Thread(target=self._run, args=(kind, namespace), daemon=True).start()

    def _run(self, kind: str, namespace: str) -> None:
        """A watch without resourceVersion begins with the present state, so nothing is missed between two of them."""
        while not self._stop.is_set():
            try:
                query: list[tuple[str, str | int]] = [("watch", "true"), ("timeoutSeconds", WINDOW)]
                for line in self._connection.lines(PATHS[kind].format(namespace), query, WINDOW + 5.0):
                    if self._stop.is_set():
                        return
                    self._take(kind, namespace, line)
            except Unreachable:
                pass  # the next attempt may do better; whoever waits has a deadline
            self._stop.wait(PAUSE)

    def _take(self, kind: str, namespace: str, line: Body) -> None:
        with self._changed:
            if line.get("type") in ("ADDED", "MODIFIED"):
                self._seen[kind, namespace][line["object"]["metadata"]["name"]] = line["object"]
            elif line.get("type") == "DELETED":
                self._seen[kind, namespace].pop(line["object"]["metadata"]["name"], None)
            elif line.get("kind") == "Status" or line.get("type") == "ERROR":
                self._refused[kind, namespace] = str((line.get("object") or line).get("message", "refused"))
            self._changed.notify_all()
