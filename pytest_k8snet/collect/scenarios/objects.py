"""The objects of scenarios in the run's namespaces: created, changed and deleted with owner and run on them, every answer recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_k8snet.cluster.connection import Answer, Connection
from pytest_k8snet.collect import manifests, manifests_services
from pytest_k8snet.model.settings import Settings, Tier

from .journal import Journal

SCENARIO_LABEL = "k8snet/scenario"
PATHS = {
    "Service": "/api/v1/namespaces/{}/services",
    "Pod": "/api/v1/namespaces/{}/pods",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
}
VERSIONS = {"Service": "v1", "Pod": "v1", "EndpointSlice": "discovery.k8s.io/v1"}


class Broken(Exception):
    """The scenario cannot go on; `str()` says why. What it was to observe was not observed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where scenarios take place: one cluster, the run's settings and owner, and its namespaces by tier."""

    connection: Connection
    settings: Settings
    owner: manifests.Owner
    spaces: Mapping[Tier, str]

    def space(self, tier: Tier) -> str:
        """Name of the namespace. Raises Broken."""
        if tier not in self.spaces:
            raise Broken(f"the run has no namespace of tier {tier}")
        return self.spaces[tier]


class Objects:
    """Those of one scenario. Every method raises Broken when the API refuses."""

    def __init__(self, ground: Ground, scenario: str, journal: Journal) -> None:
        self._ground, self._scenario, self._journal = ground, scenario, journal

    def create(self, kind: str, name: str, body: Mapping[str, Any], tier: Tier = Tier.RESTRICTED, **labels: str) -> dict[str, Any]:
        """Create an object; `body` is all but its metadata."""
        metadata = self._ground.owner.metadata(name, **{SCENARIO_LABEL: self._scenario, **labels})
        manifest = {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": metadata, **body}
        answer = self._ground.connection.post(self._path(kind, tier), manifest)
        return self._done("created", kind, name, answer)

    def patch(self, kind: str, name: str, change: Mapping[str, Any], tier: Tier = Tier.RESTRICTED) -> dict[str, Any]:
        """Change an object by a merge patch."""
        answer = self._ground.connection.patch(f"{self._path(kind, tier)}/{name}", change)
        return self._done("patched", kind, name, answer)

    def delete(self, kind: str, name: str, tier: Tier = Tier.RESTRICTED) -> None:
        """Ask for its deletion, which may take its time."""
        self._done("deleted", kind, name, self._ground.connection.delete(f"{self._path(kind, tier)}/{name}"))

    def service(self, name: str, **spec: Any) -> dict[str, Any]:
        """A Service for the pods that serve all scenarios, of both protocols, on the usual port; `spec` adds or replaces."""
        ports = [
            {"name": p.lower(), "protocol": p, "port": manifests_services.PORT, "targetPort": manifests.ECHO_PORT} for p in ("TCP", "UDP")
        ]
        selector = {"k8snet/run": self._ground.owner.run, manifests.POOL: manifests.POOL_OF_ECHO}
        return self.known(self.create("Service", name, {"spec": {"ports": ports, "selector": selector, **spec}}))

    def known(self, body: dict[str, Any], name: str = "") -> dict[str, Any]:
        """Let probes find a Service, under its own or another name: its addresses change with its type."""
        self._journal.event({**manifests_services.event(body), "name": name or body["metadata"]["name"]})
        return body

    def _path(self, kind: str, tier: Tier) -> str:
        return PATHS[kind].format(self._ground.space(tier))

    def _done(self, verb: str, kind: str, name: str, answer: Answer) -> dict[str, Any]:
        self._journal.object(verb, f"{kind}/{name}", answer)
        if not answer.ok:
            raise Broken(f"{kind} {name} could not be {verb}: {answer.message}")
        return dict(answer.body)
