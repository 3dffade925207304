"""EndpointSlices as scenarios wait for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def ready(slices: Iterable[Mapping[str, Any]]) -> list[str]:
    """Addresses of the endpoints that are ready; a condition that is not told counts as ready (EndpointSlice v1)."""
    endpoints = (endpoint for piece in slices for endpoint in piece.get("endpoints") or ())
    return [address for e in endpoints if (e.get("conditions") or {}).get("ready") is not False for address in e["addresses"]]
