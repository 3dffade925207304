"""Endpoints that a scenario's record shows, by the names of the probe pods behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .steps import Steps

STRANGER = "a pod that is not ours"


def by_node(steps: Steps, step: str, service: str) -> dict[str, frozenset[str]]:
    """Pods that the Service's EndpointSlices show as ready, by node."""
    pods, found = _pods(steps), dict[str, frozenset[str]]()
    for space, endpoint in _ready(steps.body(step, f"EndpointSlices/{service}").get("items") or ()):
        node = str(endpoint.get("nodeName") or "")
        found[node] = found.get(node, frozenset()) | {_name(pods, space, endpoint)}
    return found


def behind(steps: Steps, step: str, service: str) -> frozenset[str]:
    """The same for all nodes together."""
    return frozenset[str]().union(*by_node(steps, step, service).values())


def ending_ones(steps: Steps, step: str, service: str) -> frozenset[str]:
    """Pods that the Service's EndpointSlices show as terminating and still serving."""
    pieces = steps.body(step, f"EndpointSlices/{service}").get("items") or ()
    found = [(space, endpoint) for space, endpoint in _all(pieces) if _ending(endpoint.get("conditions") or {})]
    return frozenset(_name(_pods(steps), space, endpoint) for space, endpoint in found)


def listed(steps: Steps, piece: Mapping[str, Any]) -> frozenset[str]:
    """Pods at the addresses of one EndpointSlice."""
    pods = {str(address): entry["endpoint"] for entry in steps.recording.entries("fleet") for address in entry.get("ips") or [entry["ip"]]}
    addresses = (address for _, endpoint in _ready([piece]) for address in endpoint["addresses"])
    return frozenset(pods.get(address, STRANGER) for address in addresses)


def _ready(slices: Iterable[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Namespace and endpoint; a condition that is not told counts as ready (EndpointSlice v1)."""
    return [(space, endpoint) for space, endpoint in _all(slices) if (endpoint.get("conditions") or {}).get("ready") is not False]


def _all(slices: Iterable[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(piece["metadata"].get("namespace", ""), endpoint) for piece in slices for endpoint in piece.get("endpoints") or ()]


def _ending(conditions: Mapping[str, Any]) -> bool:
    return bool(conditions.get("terminating")) and bool(conditions.get("serving"))


def _pods(steps: Steps) -> dict[tuple[str, str], str]:
    return {(entry["namespace"], entry["pod"]): entry["endpoint"] for entry in steps.recording.entries("fleet")}


def _name(pods: Mapping[tuple[str, str], str], space: str, endpoint: Mapping[str, Any]) -> str:
    return pods.get((space, str((endpoint.get("targetRef") or {}).get("name"))), STRANGER)
