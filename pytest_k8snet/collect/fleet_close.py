"""Deleting what a run created, and making sure that it is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from pytest_k8snet.cluster.connection import Answer, Connection, Unreachable
from pytest_k8snet.errors import NoVerdict

PATIENCE = 20.0  # s for namespaces to disappear
FORCE_AFTER = 8.0  # s after which pods whose kubelet does not answer are deleted by force
PAUSES = (0.5, 1.0, 1.0, 1.5, 2.0)
COLLECTIONS = ("/api/v1/namespaces/{}/pods", "/api/v1/namespaces/{}/configmaps", "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices")


class Cleanup:
    """Knows the namespaces of the run from before they are created: a lost answer to a create loses nothing."""

    def __init__(self, connection: Connection, run: str) -> None:
        self._connection, self._selector = connection, [("labelSelector", f"k8snet/run={run}")]
        self._ours: set[str] = set()  # created by this run: deleted whole
        self._given: set[str] = set()  # were there before: only our objects in them are deleted

    def expect(self, namespace: str) -> None:
        """This run is about to create the namespace."""
        self._ours.add(namespace)

    def keep(self, namespace: str) -> None:
        """The namespace was there before the run: it stays."""
        self._ours.discard(namespace)
        self._given.add(namespace)

    def run(self) -> tuple[str, ...]:
        """Delete, wait, force, wait; returns what is still there, sorted."""
        try:
            for namespace in sorted(self._given):
                self._empty(namespace)
            for namespace in sorted(self._ours):  # pods first: a namespace waits for some seconds before it deletes them
                self._connection.delete(f"/api/v1/namespaces/{namespace}/pods", None, self._selector)
                self._connection.delete(f"/api/v1/namespaces/{namespace}", {"propagationPolicy": "Background"})
            return self._confirm()
        except Unreachable as error:
            return tuple(f"namespace {name} ({error})" for name in sorted(self._ours | self._given))

    def leftovers(self) -> tuple[str, ...]:
        """What is there now. Raises NoVerdict when the API does not tell."""
        return tuple(sorted(self._left()))

    def _confirm(self) -> tuple[str, ...]:
        started, forced = time.monotonic(), False
        pauses = iter(PAUSES)
        while left := self.leftovers():
            elapsed = time.monotonic() - started
            if elapsed > PATIENCE:
                return left
            if elapsed > FORCE_AFTER and not forced:
                forced = True
                self._force()
            time.sleep(next(pauses, PAUSES[-1]))
        return ()

    def _force(self) -> None:
        """Pods on a dead node never confirm their end: take them out of the API."""
        for namespace in sorted(self._ours | self._given):
            self._connection.delete(f"/api/v1/namespaces/{namespace}/pods", {"gracePeriodSeconds": 0}, self._selector)

    def _left(self) -> Iterator[str]:
        if self._ours:
            listed = self._items("/api/v1/namespaces")
            yield from (f"namespace {item['metadata']['name']}" for item in listed if item["metadata"]["name"] in self._ours)
        for namespace in self._given:
            pods = self._items(f"/api/v1/namespaces/{namespace}/pods")
            yield from (f"pod {namespace}/{item['metadata']['name']}" for item in pods)

    def _items(self, path: str) -> list[dict[str, Any]]:
        answer = self._connection.get(path, self._selector)
        if answer.status == 404:
            return []
        if not answer.ok:
            raise NoVerdict(f"context {self._connection.context}: what is left behind is unknown: {answer.message}")
        return list(answer.body["items"])

    def _empty(self, namespace: str) -> None:
        for path in COLLECTIONS:
            self._connection.delete(path.format(namespace), None, self._selector)
        services = self._connection.get(f"/api/v1/namespaces/{namespace}/services", self._selector)
        for item in self._listed(services):
            self._connection.delete(f"/api/v1/namespaces/{namespace}/services/{item['metadata']['name']}")

    def _listed(self, answer: Answer) -> list[dict[str, Any]]:
        return list(answer.body["items"]) if answer.ok else []
