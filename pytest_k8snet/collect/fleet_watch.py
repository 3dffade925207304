"""Wait for probe pods: one watch a namespace, never a request a pod."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pytest_k8snet.cluster.connection import Connection, Unreachable

from . import fleet_status

WINDOW = 10  # s that one watch lasts
PULL_PATIENCE = 15.0  # s that a failing image pull may go on failing
NOT_READY_PATIENCE = 20.0  # s for a pod on a node that says it is not ready

Pod = Mapping[str, Any]
Seen = Callable[[str, Pod], None]  # namespace/name and the pod


class PodWatch:
    """Follows the pods of some namespaces in threads of its own; ends with the `with` block."""

    def __init__(self, connection: Connection, namespaces: Collection[str], selector: str) -> None:
        self._connection, self._selector = connection, selector
        self._queue: queue.Queue[tuple[str, Pod]] = queue.Queue()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._follow, args=(name,), daemon=True) for name in namespaces]

    def __enter__(self) -> PodWatch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def take(self, timeout: float) -> tuple[str, Pod] | None:
        """The next change, or None when there is none within `timeout` seconds."""
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            return None

    def _follow(self, namespace: str) -> None:
        """A watch without resourceVersion begins with the present state, so nothing is missed between two of them."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        while not self._over.is_set():
            query: list[tuple[str, str | int]] = [("watch", "true"), ("timeoutSeconds", WINDOW), ("labelSelector", self._selector)]
            started = time.monotonic()
            try:
                for line in self._connection.lines(path, query, WINDOW + 5.0):
                    if self._over.is_set():
                        return
                    if line.get("type") in ("ADDED", "MODIFIED", "DELETED"):
                        self._queue.put((f"{namespace}/{line['object']['metadata']['name']}", line["object"]))
            except Unreachable:
                pass  # the next attempt may do better; the deadline bounds them
            self._over.wait(max(0.0, 2.0 - (time.monotonic() - started)))


class Patience:
    """Decides when a pod that is not ready counts as stuck."""

    def __init__(self, unready_nodes: Mapping[str, str]) -> None:
        self._unready, self._failing, self._started = unready_nodes, dict[str, float](), time.monotonic()

    def problem(self, name: str, pod: Pod | None, node: str) -> str:
        """Why not to wait any longer; "" to go on."""
        now = time.monotonic()
        if node in self._unready and now - self._started > NOT_READY_PATIENCE:
            return f"node {node} is not ready: {self._unready[node]}"
        if pod is None:
            return ""
        if not fleet_status.pulling_fails(pod):
            self._failing.pop(name, None)
        elif now - self._failing.setdefault(name, now) > PULL_PATIENCE:
            return fleet_status.describe(pod)
        return fleet_status.final_problem(pod)
