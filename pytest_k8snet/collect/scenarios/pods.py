"""Pods of scenarios: the same agent as every probe pod, in a role of its own, changed as a scenario needs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pytest_k8snet.collect import fleet_status, manifests, manifests_patch
from pytest_k8snet.collect.manifests import Role
from pytest_k8snet.collect.stream import Stream, StreamLost
from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.settings import Tier

from .journal import Journal
from .objects import Broken, Ground, Objects
from .watch import Body

Watched = Callable[..., list[Body]]
Manifest = dict[str, Any]


def role(name: str, tier: Tier = Tier.RESTRICTED) -> Role:
    """A role for one pod on the pod network."""
    return Role(name, tier, False, "ClusterFirst")


def arguments(*words: str) -> Callable[[Manifest], None]:
    """Start the agent with more arguments."""
    return lambda manifest: manifest["spec"]["containers"][0]["command"].extend(words)


class Pods:
    """Those of one scenario. Methods raise Broken where a pod cannot be had."""

    def __init__(self, ground: Ground, objects: Objects, journal: Journal, watched: Watched, nodes: tuple[str, ...]) -> None:
        self._ground, self._objects, self._journal, self._watched, self._nodes = ground, objects, journal, watched, nodes

    def create(self, role: Role, node: str, *changes: Callable[[Manifest], None]) -> None:
        """Ask for the pod; it is not waited for."""
        place = self._nodes.index(node)
        manifest = manifests.pod(self._ground.owner, self._ground.settings, role, node, self._name(role, node), place)
        for change in changes:
            change(manifest)
        self._objects.place(manifests_patch.apply(manifest, self._ground.patch), role.tier)

    def ready(self, role: Role, node: str) -> Endpoint:
        """Wait until it is ready; from then on probes find it."""
        name = self._name(role, node)
        seconds = self._ground.settings.ready_timeout
        found = self._watched("pods", f"Pod/{name}", lambda body: body["metadata"]["name"] == name, _settled, seconds, role.tier)
        if problem := fleet_status.final_problem(found[0]):
            raise Broken(f"Pod {name}: {problem}")
        endpoint = role.endpoint(node)
        entry = {"endpoint": str(endpoint), "namespace": self._ground.space(role.tier), "pod": name, "tier": str(role.tier), "problem": ""}
        self._journal.pod({**entry, **fleet_status.where(found[0]), "port": role.port(self._ground.settings.run_id)})
        return endpoint

    def delete(self, role: Role, node: str) -> None:
        """Ask for its end, with the grace that it was made with."""
        self._objects.delete("Pod", self._name(role, node), role.tier)

    def end(self, role: Role, node: str) -> None:
        """Tell a pod that is ending to go on no longer: clean-up would have to wait for it. It is well if it is gone already.

        Deleting it again with a shorter grace is no way: kubelet takes ten seconds to notice that.
        """
        stream = self.stream(role, node)
        with suppress(StreamLost):
            list(stream.request("stop"))
        stream.close()

    def stream(self, role: Role, node: str) -> Stream:
        """A control stream to its agent."""
        endpoint, run = role.endpoint(node), self._ground.settings.run_id
        return Stream(endpoint, run, lambda: self._ground.channel(role.tier, self._name(role, node)), self._journal.event)

    def _name(self, role: Role, node: str) -> str:
        return manifests.pod_name(role, node, self._nodes.index(node))


def _settled(found: list[Body]) -> bool:
    return bool(found) and (fleet_status.ready(found[0]) or bool(fleet_status.final_problem(found[0])))
