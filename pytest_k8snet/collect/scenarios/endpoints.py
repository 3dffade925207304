"""EndpointSlices as scenarios wait for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Slices = Iterable[Mapping[str, Any]]


def ready(slices: Slices) -> list[str]:
    """Addresses of the endpoints that are ready; a condition that is not told counts as ready (EndpointSlice v1)."""
    return _addresses(slices, lambda conditions: conditions.get("ready") is not False)


def terminating(slices: Slices) -> list[str]:
    """Addresses of the endpoints that are ending and still serve."""
    return _addresses(slices, lambda conditions: bool(conditions.get("terminating")) and bool(conditions.get("serving")))


def _addresses(slices: Slices, wanted: Any) -> list[str]:
    endpoints = (endpoint for piece in slices for endpoint in piece.get("endpoints") or ())
    return [address for endpoint in endpoints if wanted(endpoint.get("conditions") or {}) for address in endpoint["addresses"]]
