"""What the API wants every node to do with Service addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive

Body = Mapping[str, Any]
PROTOCOLS = ("TCP", "UDP")  # SCTP is not probed
FOREIGN = "service.kubernetes.io/service-proxy-name"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One ClusterIP port with its usable endpoints as "address:port".

    `always` are endpoints of every reading, `ever` those of any: between them a change may be under way.
    `any_of` is set where a topology hint lets the proxy choose among them.
    """

    name: str  # "kube-system/kube-dns"
    address: str
    port: int
    protocol: str  # "tcp" | "udp"
    node_port: int
    external_local: bool
    always: frozenset[str]
    ever: frozenset[str]
    any_of: bool = False
    anywhere: frozenset[str] = frozenset()  # on whatever node, in any reading
    here: frozenset[str] = frozenset()  # on this node, in every reading
    internal_local: bool = False
    guarded: tuple[str, ...] = ()  # addresses of its load balancer that admit some sources only

    def __str__(self) -> str:
        return f"{self.name} {joined(self.address, self.port)}/{self.protocol}"


def joined(address: str, port: int | None) -> str:
    """Address and port as URLs write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def wanted(port: ServicePort, ends: frozenset[str]) -> frozenset[str]:
    """The endpoints, or what was found where that is one of several right states."""
    changing = port.always != port.ever or port.any_of
    right = ends and ends <= port.ever and (port.any_of or ends >= port.always)
    return ends if changing and right else port.ever


def service_ports(recording: Recording, node: Body, family: Family = Family.IPV4) -> tuple[ServicePort, ...]:
    """Every ClusterIP port of one family that has a usable endpoint for that node.

    Raises Inconclusive when Services or EndpointSlices were not read.
    """
    return tuple(port for port in _all_ports(recording, node, family) if port.ever)


def unserved_ports(recording: Recording, node: Body, family: Family = Family.IPV4) -> tuple[ServicePort, ...]:
    """Every ClusterIP port of one family that has no usable endpoint anywhere, in no reading. Raises Inconclusive like `service_ports`."""
    return tuple(port for port in _all_ports(recording, node, family) if not port.anywhere)


def _all_ports(recording: Recording, node: Body, family: Family) -> list[ServicePort]:
    services = _readings(recording, "services")
    slices = _readings(recording, "endpointslices")
    last = {(port.name, port.port, port.protocol): port for port in _ports(services[-1], slices[-1], node, family)}
    if len(slices) > 1:
        before = {(port.name, port.port, port.protocol): port for port in _ports(services[-2:][0], slices[-2], node, family)}
        last = {key: _widened(port, before.get(key)) for key, port in last.items()}
    return list(last.values())


def _readings(recording: Recording, name: str) -> list[list[Body]]:
    found = [entry["body"].get("items") or [] for entry in recording.entries("objects", name=name) if entry["status"] == 200]
    if not found:
        raise Inconclusive(f"{name} were not read: what the proxies should have programmed is unknown")
    return found


def _widened(port: ServicePort, before: ServicePort | None) -> ServicePort:
    """An endpoint set that differs between two readings is changing: both states are right."""
    if before is None:
        return port
    return replace(
        port, always=port.always & before.always, ever=port.ever | before.ever, any_of=port.any_of or before.any_of,
        anywhere=port.anywhere | before.anywhere, here=port.here & before.here,
    )  # fmt: skip


def _ports(services: Iterable[Body], slices: Iterable[Body], node: Body, family: Family) -> Iterator[ServicePort]:
    pieces: dict[tuple[str, str], list[Body]] = {}
    for piece in (piece for piece in slices if str(piece.get("addressType", "IPv4")).lower() == family):
        labels = piece["metadata"].get("labels") or {}
        pieces.setdefault((piece["metadata"].get("namespace", ""), labels.get("kubernetes.io/service-name", "")), []).append(piece)
    for service in services:
        if _proxied(service, family):
            key = service["metadata"].get("namespace", ""), service["metadata"]["name"]
            yield from _ports_of(service, pieces.get(key, []), node, family)


def _proxied(service: Body, family: Family) -> bool:
    """Whether kube-proxy programs this Service."""
    labels, spec = service["metadata"].get("labels") or {}, service.get("spec") or {}
    return FOREIGN not in labels and spec.get("type") != "ExternalName" and bool(_cluster_ip(spec, family))


def _cluster_ip(spec: Body, family: Family) -> str:
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    return next((address for address in addresses if address not in ("", "None") and Family.of(address) is family), "")


def _ports_of(service: Body, pieces: list[Body], node: Body, family: Family) -> Iterator[ServicePort]:
    metadata, spec = service["metadata"], service["spec"]
    for port in spec.get("ports") or ():
        if port.get("protocol", "TCP") not in PROTOCOLS:
            continue
        internal_local = spec.get("internalTrafficPolicy") == "Local"
        endpoints, hinted = _endpoints(pieces, port, internal_local, node)
        yield ServicePort(
            name=f"{metadata.get('namespace', '')}/{metadata['name']}",
            address=_cluster_ip(spec, family),
            port=int(port["port"]),
            protocol=port.get("protocol", "TCP").lower(),
            node_port=int(port.get("nodePort") or 0),
            external_local=spec.get("externalTrafficPolicy") == "Local",
            always=endpoints,
            ever=endpoints,
            any_of=hinted,
            anywhere=_endpoints(pieces, port, False, node)[0],
            here=_endpoints(pieces, port, True, node)[0],
            internal_local=internal_local,
            guarded=_guarded(service, family),
        )


def _guarded(service: Body, family: Family) -> tuple[str, ...]:
    """Addresses of the load balancer, where the Service admits only some sources to them."""
    if not service["spec"].get("loadBalancerSourceRanges"):
        return ()
    found = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return tuple(item["ip"] for item in found if item.get("ip") and Family.of(item["ip"]) is family and item.get("ipMode", "VIP") == "VIP")


def _endpoints(pieces: list[Body], port: Body, local: bool, node: Body) -> tuple[frozenset[str], bool]:
    """Usable endpoints: the ready ones, else those that still serve while they terminate; and whether hints narrow them down."""
    ready: set[str] = set()
    serving: set[str] = set()
    hinted = False
    for endpoint, number in _listed(pieces, port):
        if local and endpoint.get("nodeName") != node["metadata"]["name"]:
            continue
        conditions = endpoint.get("conditions") or {}
        ends = {joined(address, number) for address in endpoint["addresses"]}
        hinted = hinted or bool(endpoint.get("hints"))
        if conditions.get("ready") is not False:
            ready |= ends
        elif conditions.get("serving") and conditions.get("terminating"):
            serving |= ends
    return frozenset(ready or serving), hinted and not local


def _listed(pieces: list[Body], port: Body) -> Iterator[tuple[Body, int]]:
    for piece in pieces:
        for listed in piece.get("ports") or ():
            same = (listed.get("name") or "") == (port.get("name") or "") and listed.get("protocol", "TCP") == port.get("protocol", "TCP")
            if same and listed.get("port"):
                yield from ((endpoint, int(listed["port"])) for endpoint in piece.get("endpoints") or ())
