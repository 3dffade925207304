"""From the stable name of an endpoint to the address and port that a probe of this run really uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action, Family
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.parse import places

PEER_PORT = 7802
DNS_PORT = 53


class NoAddress(LookupError):
    """The endpoint has no address in this run; `str()` says why (its pod did not start, its Service was not created)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send, and which agent must answer ("" = any agent of the run, None = a stranger without our echo)."""

    ip: str
    port: int
    expect: str | None = ""


class AddressBook:
    """Looks addresses up in what the recording already holds (fleet, Services, API objects)."""

    def __init__(self, inventory: Inventory, recording: Recording) -> None:
        self._inventory = inventory
        self._pods = {entry["endpoint"]: entry for entry in recording.entries("fleet")}
        self._services = {event["name"]: event for event in recording.entries("events", what="service")}
        self._runner = next(recording.entries("events", what="runner"), None)
        self._kubernetes = _kubernetes(recording)

    def find(self, target: Endpoint, source: Endpoint, action: Action, family: Family = Family.IPV4) -> Address:
        """The address of that family, where the target has one for each. Raises NoAddress."""
        match target.kind:
            case EndpointKind.LOOPBACK if target.name:
                return Address("127.0.0.1", self._port(target, action))
            case EndpointKind.LOOPBACK:
                return Address("127.0.0.1", PEER_PORT, f"{EndpointKind.LOOPBACK}@{source.node}")
            case EndpointKind.POD | EndpointKind.HOST:
                return self._pod(target, family)
            case EndpointKind.SERVICE:
                return self._service(target, family)
            case EndpointKind.NODE_PORT:
                address = self._inventory.node(target.node).address(family)
                return Address(_known(address, target, family), self._port(target, action))
            case EndpointKind.API:
                return self._api(target)
            case EndpointKind.OUTSIDE:
                return self._outside(target)
            case EndpointKind.DNS:
                return self._server(target)
            case EndpointKind.RESOLVER:
                return Address("", 0, None)

    def _pod(self, target: Endpoint, family: Family) -> Address:
        entry = self._pods.get(str(target))
        if entry is None or entry["problem"]:
            raise NoAddress(f"{target} is not there: {entry['problem'] if entry else 'no such probe pod in this run'}")
        address = places.pod_address(entry, family)
        return Address(_known(address, target, family), int(entry["port"]), str(target))

    def _service(self, target: Endpoint, family: Family) -> Address:
        if target.name == "kube-dns":
            return Address(self._inventory.dns_ip, DNS_PORT, None)
        event = self._event(target)
        address = places.service_address(event, family)
        return Address(_known(address, target, family), event["ports"]["tcp"])

    def _server(self, target: Endpoint) -> Address:
        if target not in self._inventory.dns_servers:
            raise NoAddress(f"{target} is not there: the EndpointSlices of Service kube-dns name no ready server")
        return Address(self._inventory.dns_servers[target], DNS_PORT, None)

    def _event(self, target: Endpoint) -> Mapping[str, Any]:
        if target.name not in self._services:
            raise NoAddress(f"{target} is not there: the Service was not created")
        return self._services[target.name]

    def _port(self, target: Endpoint, action: Action) -> int:
        return int(self._event(target)["node_ports"]["udp" if action is Action.UDP else "tcp"])

    def _api(self, target: Endpoint) -> Address:
        ip, _, port = target.name.rpartition(":")
        if ip:
            return Address(ip.strip("[]"), int(port), None)
        service = self._kubernetes
        if service is None:
            raise NoAddress(f"{target} is not there: Service default/kubernetes is not among the API's Services")
        return Address(service["spec"]["clusterIP"], int(service["spec"]["ports"][0]["port"]), None)

    def _outside(self, target: Endpoint) -> Address:
        if target.name == "runner":
            if self._runner is None or not self._runner.get("address") or not self._runner["port"]:
                raise NoAddress("this process serves no echo: no address of it that nodes could reach")
            return Address(self._runner["address"], self._runner["port"], str(target))
        host, _, port = target.name.partition("://")[2].rpartition(":")
        return Address(host.strip("[]"), int(port), None)


def _known(address: str, target: Endpoint, family: Family) -> str:
    if not address:
        raise NoAddress(f"{target} has no {family} address")
    return address


def _kubernetes(recording: Recording) -> Mapping[str, Any] | None:
    services = (recording.object("services") or {}).get("items", [])
    ours = (s for s in services if (s["metadata"]["namespace"], s["metadata"]["name"]) == ("default", "kubernetes"))
    return next(ours, None)
