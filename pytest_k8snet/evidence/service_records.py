"""The records that cluster DNS must hold for a Service, derived from the API's Services and EndpointSlices.

Kubernetes DNS-Based Service Discovery, version 1.1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.questions import Question

Body = Mapping[str, Any]


class ServiceRecords:
    """`used` lists the objects that were looked at."""

    def __init__(self, recording: Recording, domain: str) -> None:
        self._recording, self._domain = recording, domain
        self.used: list[Body] = []

    def expected(self, question: Question, name: str) -> frozenset[str]:
        """Records for a question that was asked as `name`, none if there must be none. Raises Inconclusive where objects are missing."""
        service = self._service(question.service)
        spec = service["spec"]
        match question.kind:
            case "CNAME":
                return frozenset(f"{target.rstrip('.').lower()}." for target in [str(spec.get("externalName") or "")] if target)
            case "PTR":
                return frozenset({self._named(service)})
            case "SRV":
                return frozenset(self._ports(service, question.port))
        return frozenset(self._addresses(service, question, name))

    def require_unready(self, question: Question) -> None:
        """Raises Inconclusive unless the Service has endpoints, of which none is ready."""
        if any(_ready(endpoint) for _, endpoint in self._endpoints(self._service(question.service))):
            raise Inconclusive(f"an endpoint of Service {question.service} is ready: that it has no records cannot be expected")

    def _service(self, name: str) -> Body:
        space = "default" if name == "kubernetes" else self._space(name)
        for item in (self._recording.object("services") or {}).get("items") or ():
            if (item["metadata"].get("namespace"), item["metadata"]["name"]) == (space, name):
                self.used.append({"object": "services", "service": f"{space}/{name}", "spec": item["spec"]})
                return dict(item)
        raise Inconclusive(f"Service {space}/{name} was not read: its records are unknown")

    def _space(self, name: str) -> str:
        for event in self._recording.entries("events", what="service", name=name):
            return str(event["namespace"])
        raise Inconclusive(f"Service {name} of the run was not created: its records are unknown")

    def _named(self, service: Body) -> str:
        return f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.{self._domain}.".lower()

    def _endpoints(self, service: Body) -> list[tuple[Body, Body]]:
        """Every endpoint of the Service with its slice. Raises Inconclusive when there is none: nothing could be seen then."""
        found = [(piece, endpoint) for piece in self._slices(service) for endpoint in piece.get("endpoints") or ()]
        if not found:
            raise Inconclusive(f"no endpoint of Service {service['metadata']['name']} is known: what its records must be is unknown")
        return found

    def _listed(self, service: Body) -> Iterator[tuple[Body, Body]]:
        """Endpoints that have records: the ready ones, or all of them where the Service says so."""
        every = bool(service["spec"].get("publishNotReadyAddresses"))
        return ((piece, endpoint) for piece, endpoint in self._endpoints(service) if every or _ready(endpoint))

    def _addresses(self, service: Body, question: Question, name: str) -> Iterator[str]:
        family = "IPv6" if question.kind == "AAAA" else "IPv4"
        if not _headless(service):
            yield from (ip for ip in service["spec"].get("clusterIPs") or () if (":" in ip) is (family == "IPv6"))
            return
        wanted = name.partition(".")[0] if "{hostname}" in question.name else ""
        for piece, endpoint in self._listed(service):
            if piece.get("addressType") == family and wanted in ("", endpoint.get("hostname")):
                yield from endpoint["addresses"]

    def _ports(self, service: Body, port: str) -> Iterator[str]:
        """Port and target for a named port; a headless Service has one for each endpoint."""
        if not _headless(service):
            yield from (f"{number} {self._named(service)}" for number in _numbers(service["spec"].get("ports") or (), port))
            return
        for piece, endpoint in self._listed(service):
            for number in _numbers(piece.get("ports") or (), port):
                yield f"{number} {_hostname(endpoint)}.{self._named(service)}"

    def _slices(self, service: Body) -> Iterator[Body]:
        meta = service["metadata"]
        for piece in (self._recording.object("endpointslices") or {}).get("items") or ():
            labels = piece["metadata"].get("labels") or {}
            owner = (piece["metadata"].get("namespace"), labels.get("kubernetes.io/service-name"))
            if owner == (meta["namespace"], meta["name"]):
                self.used.append({"object": "endpointslices", "slice": piece})
                yield piece


def _headless(service: Body) -> bool:
    return bool(service["spec"].get("clusterIP") == "None")


def _ready(endpoint: Body) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _hostname(endpoint: Body) -> str:
    if not endpoint.get("hostname"):
        raise Inconclusive(f"the endpoint {' '.join(endpoint['addresses'])} has no hostname: the target of its records is not documented")
    return str(endpoint["hostname"]).lower()


def _numbers(ports: Iterable[Body], port: str) -> Iterator[int]:
    name, _, protocol = port.partition("/")
    return (int(p["port"]) for p in ports if (p.get("name"), p.get("protocol", "TCP")) == (name, protocol))
