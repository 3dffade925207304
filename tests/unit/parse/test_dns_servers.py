"""Servers of cluster DNS out of EndpointSlices."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.parse import dns_servers


def piece(*endpoints: dict[str, Any], family: str = "IPv4", service: str = "kube-dns", namespace: str = "kube-system") -> dict[str, Any]:
    metadata = {"namespace": namespace, "labels": {"kubernetes.io/service-name": service}}
    return {"metadata": metadata, "addressType": family, "endpoints": list(endpoints)}


def server(address: str, node: str, name: str = "", ready: bool | None = True) -> dict[str, Any]:
    return {"addresses": [address], "nodeName": node, "conditions": {"ready": ready}, "targetRef": {"name": name or address}}


def named(*slices: dict[str, Any]) -> dict[str, str]:
    return {str(end): address for end, address in dns_servers.of(slices).items()}


def test_servers_are_named_by_their_nodes() -> None:
    found = named(piece(server("10.4.1.2", "n1", "x"), server("10.4.2.9", "n2", "c"), server("10.4.2.2", "n2", "b", None)))
    assert found == {"dns@n1": "10.4.1.2", "dns@n2": "10.4.2.2", "dns/2@n2": "10.4.2.9"}


def test_only_ready_servers_of_cluster_dns() -> None:
    other = [piece(server("10.4.1.3", "n1"), service="web"), piece(server("10.4.1.4", "n1"), namespace="shop")]
    assert named(piece(server("10.4.1.2", "n1", ready=False)), *other, piece(server("a.example", "n1"), family="FQDN")) == {}


def test_a_server_of_both_families_counts_once() -> None:
    six = piece(server("fd00::2", "n1", "x"), server("fd00::3", "n2", "y"), family="IPv6")
    assert named(six, piece(server("10.4.1.2", "n1", "x"))) == {"dns@n1": "10.4.1.2", "dns@n2": "fd00::3"}


@given(st.lists(st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.integers(1, 250)), max_size=12, unique=True))
def test_every_server_has_a_name_of_its_own(places: list[tuple[str, int]]) -> None:
    found = dns_servers.of([piece(*(server(f"10.4.{node[1]}.{last}", node) for node, last in places))])
    assert sorted(found.values()) == sorted(f"10.4.{node[1]}.{last}" for node, last in places)
    assert all(Endpoint.parse(str(end)) == end for end in found)
