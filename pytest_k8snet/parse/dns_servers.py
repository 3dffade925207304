"""The servers behind the Service kube-dns, as its EndpointSlices list them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

FAMILIES = ("IPv4", "IPv6")


def of(slices: Iterable[Mapping[str, Any]]) -> dict[Endpoint, str]:
    """Each ready server once, named by its node, with its address; the second one of a node is called 2, and so on.

    A server of both families is asked at its IPv4 address.
    """
    found: dict[tuple[str, str], str] = {}
    for piece in sorted(filter(_ours, slices), key=lambda piece: FAMILIES.index(piece["addressType"])):
        for node, name, address in _ready(piece):
            found.setdefault((node, name), address)
    numbers: dict[str, int] = {}
    servers = {}
    for node, name in sorted(found):
        numbers[node] = numbers.get(node, 0) + 1
        servers[Endpoint(EndpointKind.DNS, str(numbers[node]) if numbers[node] > 1 else "", node)] = found[node, name]
    return servers


def _ours(piece: Mapping[str, Any]) -> bool:
    metadata = piece["metadata"]
    service = (metadata.get("labels") or {}).get("kubernetes.io/service-name")
    return (metadata.get("namespace"), service) == ("kube-system", "kube-dns") and piece.get("addressType") in FAMILIES


def _ready(piece: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Node, name and address of the servers of a slice that are ready."""
    for endpoint in piece.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is not False and endpoint.get("addresses"):
            address = str(endpoint["addresses"][0])
            yield str(endpoint.get("nodeName") or "unknown"), str((endpoint.get("targetRef") or {}).get("name") or address), address
