"""The objects of scenarios in the run's namespaces: created, changed and deleted with owner and run on them, every answer recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_k8snet.cluster.channel import Channel
from pytest_k8snet.cluster.connection import Answer, Connection
from pytest_k8snet.cluster.exec import open_exec
from pytest_k8snet.cluster.preflight import OWNER
from pytest_k8snet.collect import manifests, manifests_services
from pytest_k8snet.model.settings import Settings, Tier

from .journal import Journal

SCENARIO_LABEL = "k8snet/scenario"
PATHS = {
    "Service": "/api/v1/namespaces/{}/services",
    "Pod": "/api/v1/namespaces/{}/pods",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
VERSIONS = {"Service": "v1", "Pod": "v1", "EndpointSlice": "discovery.k8s.io/v1", "NetworkPolicy": "networking.k8s.io/v1"}


class Broken(Exception):
    """The scenario cannot go on; `str()` says why. What it was to observe was not observed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where scenarios take place: one cluster, the run's settings and owner, and its namespaces by tier."""

    connection: Connection
    settings: Settings
    owner: manifests.Owner
    spaces: Mapping[Tier, str]
    patch: dict[str, Any] = field(default_factory=dict)  # the user's, for every pod

    def channel(self, tier: Tier, pod: str) -> Channel:
        """A new control channel to the agent of a pod."""
        relay = ["python3", manifests.BUNDLE, "relay", "--socket", manifests.SOCKET]
        return open_exec(self.connection, self.space(tier), pod, "agent", relay)

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
        metadata = self._ground.owner.metadata(name, **labels)
        manifest = {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": metadata, **body}
        return self.place(manifest, tier)

    def place(self, manifest: dict[str, Any], tier: Tier) -> dict[str, Any]:
        """Create an object that is whole but for the scenario's mark."""
        kind, metadata = str(manifest["kind"]), manifest["metadata"]
        metadata["labels"] |= {SCENARIO_LABEL: self._scenario}
        return self._done("created", kind, metadata["name"], self._ground.connection.post(self._path(kind, tier), manifest))

    def patch(self, kind: str, name: str, change: Mapping[str, Any], tier: Tier = Tier.RESTRICTED) -> dict[str, Any]:
        """Change an object by a merge patch."""
        answer = self._ground.connection.patch(f"{self._path(kind, tier)}/{name}", change)
        return self._done("patched", kind, name, answer)

    def delete(self, kind: str, name: str, tier: Tier = Tier.RESTRICTED) -> None:
        """Ask for its deletion, which may take its time."""
        self._done("deleted", kind, name, self._ground.connection.delete(f"{self._path(kind, tier)}/{name}"))

    def spec(self) -> dict[str, Any]:
        """Of a Service for the pods that serve all scenarios, of both protocols, on the usual port."""
        port, target = manifests_services.PORT, manifests.ECHO_PORT
        ports = [{"name": p.lower(), "protocol": p, "port": port, "targetPort": target} for p in manifests_services.PROTOCOLS]
        return {"ports": ports, "selector": {"k8snet/run": self._ground.owner.run, manifests.POOL: manifests.POOL_OF_ECHO}}

    def service(self, name: str, **changes: Any) -> dict[str, Any]:
        """A Service that probes find; `changes` add to its spec or replace there."""
        return self.known(self.create("Service", name, {"spec": {**self.spec(), **changes}}))

    def port(self, name: str, number: int) -> None:
        """Let probes find a port of nodes that no Service has given out."""
        ports = {"tcp": number, "udp": number}
        self._journal.event({"what": "service", "name": name, "cluster_ip": "", "cluster_ips": [], "ports": {}, "node_ports": ports})

    def known(self, body: dict[str, Any], name: str = "", port: str = "") -> dict[str, Any]:
        """Let probes find a Service, under its own or another name: its addresses change with its type. `port` names the one to use."""
        chosen = [one for one in body["spec"]["ports"] if port in ("", one["name"])]
        event = manifests_services.event({**body, "spec": {**body["spec"], "ports": chosen}})
        self._journal.event({**event, "name": name or body["metadata"]["name"]})
        return body

    def slice(self, service: str, addresses: Iterable[str]) -> dict[str, Any]:
        """Own endpoints for a Service without a selector: these pods, on the port of their echo servers."""
        found = sorted(addresses)
        labels = {"kubernetes.io/service-name": service, "endpointslice.kubernetes.io/managed-by": OWNER}
        ports = [{"name": p.lower(), "protocol": p, "port": manifests.ECHO_PORT} for p in manifests_services.PROTOCOLS]
        kind = "IPv6" if any(":" in address for address in found) else "IPv4"
        endpoints = [{"addresses": [address], "conditions": {"ready": True}} for address in found]
        return self.create(
            "EndpointSlice", service, {"addressType": kind, "ports": ports, "endpoints": endpoints}, Tier.RESTRICTED, **labels
        )

    def _path(self, kind: str, tier: Tier) -> str:
        return PATHS[kind].format(self._ground.space(tier))

    def _done(self, verb: str, kind: str, name: str, answer: Answer) -> dict[str, Any]:
        self._journal.object(verb, f"{kind}/{name}", answer)
        if not answer.ok:
            raise Broken(f"{kind} {name} could not be {verb}: {answer.message}")
        return dict(answer.body)
