"""Deleting what a run created, and nothing else, and making sure that it is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pytest_k8snet.cluster.connection import Answer, Connection
from pytest_k8snet.errors import NoVerdict

PATIENCE = 20.0  # s for namespaces to disappear
FORCE_AFTER = 8.0  # s after which pods whose kubelet does not answer are deleted by force
PAUSES = (1.0, 1.5, 2.0, 2.0, 3.0)
RUN_LABEL = "k8snet/run"
CORE = "/api/v1/namespaces"
COLLECTIONS = {"pods": CORE, "configmaps": CORE, "endpointslices": "/apis/discovery.k8s.io/v1/namespaces"}
Step = Callable[[], Answer]


class Cleanup:
    """Knows the namespaces of the run from before they are created: a lost answer to a create loses nothing.

    A namespace is deleted only by the UID that the API gave to this run, or that it shows with this run's label.
    """

    def __init__(self, connection: Connection, run: str, shared: bool = False) -> None:
        """`shared` says that the namespaces' names are the user's, so that another run may be at work in them."""
        self._connection, self._run, self._shared = connection, run, shared
        self._selector = [("labelSelector", f"{RUN_LABEL}={run}")]
        self._expected: dict[str, str] = {}  # deleted whole, by UID; "" while it is not known whether it was created
        self._given: set[str] = set()  # were there before: only our objects in them are deleted

    def expect(self, namespace: str) -> None:
        """This run is about to create the namespace."""
        self._expected[namespace] = ""

    def own(self, namespace: str, uid: str) -> None:
        """This run created the namespace."""
        self._expected[namespace] = uid

    def forget(self, namespace: str) -> None:
        """The API refused to create the namespace."""
        self._expected.pop(namespace, None)

    def keep(self, namespace: str) -> None:
        """The namespace was there before the run: it stays."""
        self.forget(namespace)
        self._given.add(namespace)

    def run(self) -> tuple[str, ...]:
        """Delete, wait, force, wait; returns what is still there, sorted. A failed deletion holds up no other and is repeated."""
        started, forced, pauses = time.monotonic(), False, iter(PAUSES)
        steps, failed = self._steps(), dict[str, str]()
        while True:
            self._take(steps, failed, started + PATIENCE)
            left = self._known_left()
            elapsed = time.monotonic() - started
            if not left and not failed:
                return ()
            if elapsed > PATIENCE:
                return tuple(sorted(f"{name} ({failed[name]})" if name in failed else name for name in {*left, *failed}))
            if elapsed > FORCE_AFTER and not forced:
                forced = True
                steps |= self._forcing()
            steps |= self._appeared(left)
            time.sleep(next(pauses, PAUSES[-1]))

    def leftovers(self) -> tuple[str, ...]:
        """What is there now. Raises NoVerdict when the API does not tell."""
        return tuple(sorted(self._left()))

    def _take(self, steps: dict[str, Step], failed: dict[str, str], ends: float) -> None:
        """Try every step once, and again until time is over; drop those that are done, note why the others are not."""
        for name, step in list(steps.items()):
            if name in failed and time.monotonic() > ends:
                return
            try:
                answer = step()
            except NoVerdict as error:
                answer = Answer(0, {"message": str(error)})
            if answer.ok or answer.status == 404:
                del steps[name]
                failed.pop(name, None)
            else:
                failed[name] = answer.message

    def _steps(self) -> dict[str, Step]:
        """What to delete, by its name; pods first: a namespace waits for some seconds before it deletes them."""
        steps: dict[str, Step] = {}
        for namespace in sorted(self._given | (set(self._expected) if self._shared else set())):
            steps |= self._emptying(namespace)
        for namespace, uid in sorted(self._expected.items()):
            if uid:
                steps[f"pods in namespace {namespace}"] = partial(self._delete_all, "pods", namespace)
            steps[f"namespace {namespace}"] = partial(self._delete_namespace, namespace)
        return steps

    def _emptying(self, namespace: str) -> dict[str, Step]:
        steps: dict[str, Step] = {f"{kind} in namespace {namespace}": partial(self._delete_all, kind, namespace) for kind in COLLECTIONS}
        return steps | {f"services in namespace {namespace}": partial(self._delete_services, namespace)}

    def _forcing(self) -> dict[str, Step]:
        """Pods on a dead node never confirm their end: take them out of the API."""
        options = {"gracePeriodSeconds": 0}
        names = sorted({*self._given, *(name for name, uid in self._expected.items() if uid)})
        return {f"pods by force in namespace {name}": partial(self._delete_all, "pods", name, options) for name in names}

    def _appeared(self, left: tuple[str, ...]) -> dict[str, Step]:
        """Namespaces of this run that came up late, after their create had no answer."""
        unsure = (name for name, uid in self._expected.items() if not uid)
        return {f"namespace {name}": partial(self._delete_namespace, name) for name in unsure if f"namespace {name}" in left}

    def _delete_all(self, kind: str, namespace: str, options: dict[str, Any] | None = None) -> Answer:
        return self._connection.delete(f"{COLLECTIONS[kind]}/{namespace}/{kind}", options, self._selector)

    def _delete_services(self, namespace: str) -> Answer:
        """One by one: old API servers have no deletecollection for Services."""
        path = f"{CORE}/{namespace}/services"
        answer = self._connection.get(path, self._selector)
        answers = [self._connection.delete(f"{path}/{item['metadata']['name']}") for item in (answer.body["items"] if answer.ok else ())]
        return next((found for found in answers if not found.ok and found.status != 404), answer)

    def _delete_namespace(self, namespace: str) -> Answer:
        """By UID: what somebody else made under the same name stays."""
        uid = self._expected[namespace] = self._expected[namespace] or self._found(namespace)
        if not uid:
            return Answer(404, {"message": "not created by this run"})
        if self._shared and self._items(f"{CORE}/{namespace}/pods", f"{RUN_LABEL}!={self._run}"):
            return Answer(409, {"message": "pods that are not of this run are in it"})
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        answer = self._connection.delete(f"{CORE}/{namespace}", options)
        return Answer(404, answer.body) if answer.status == 409 and self._found(namespace) != uid else answer

    def _found(self, namespace: str) -> str:
        """UID of the namespace if it carries this run's label."""
        return next((str(item["metadata"]["uid"]) for item in self._namespaces() if item["metadata"]["name"] == namespace), "")

    def _known_left(self) -> tuple[str, ...]:
        try:
            return self.leftovers()
        except NoVerdict as error:
            return tuple(f"namespace {name} ({error})" for name in sorted({*self._expected, *self._given}))

    def _left(self) -> Iterator[str]:
        if self._expected:
            listed = [item["metadata"] for item in self._namespaces()]
            yield from (f"namespace {found['name']}" for found in listed if self._expected.get(found["name"]) in ("", found["uid"]))
        for namespace in self._given:
            pods = self._items(f"{CORE}/{namespace}/pods", self._selector[0][1])
            yield from (f"pod {namespace}/{item['metadata']['name']}" for item in pods)

    def _namespaces(self) -> list[dict[str, Any]]:
        return self._items(CORE, self._selector[0][1])

    def _items(self, path: str, selector: str) -> list[dict[str, Any]]:
        answer = self._connection.get(path, [("labelSelector", selector)])
        if answer.status == 404:
            return []
        if not answer.ok:
            raise NoVerdict(f"context {self._connection.context}: what is left behind is unknown: {answer.message}")
        return list(answer.body["items"])
