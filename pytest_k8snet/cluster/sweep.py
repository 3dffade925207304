"""Remove what runs that died have left behind: only what carries our label and is past its own expiry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pytest_k8snet.errors import NoVerdict

from .connection import Connection
from .preflight import OWNER, OWNER_LABEL

EXPIRES = "k8snet/expires"
SELECTOR = f"{OWNER_LABEL}={OWNER}"


def sweep(connection: Connection, now: datetime | None = None) -> tuple[str, ...]:
    """Delete expired namespaces of ours and return their names, sorted. Raises NoVerdict when the API refuses."""
    answer = connection.get("/api/v1/namespaces", [("labelSelector", SELECTOR)])
    if not answer.ok:
        raise NoVerdict(f"context {connection.context}: namespaces cannot be listed: {answer.message}")
    names = sorted(expired(answer.body["items"], now or datetime.now(UTC)))
    for name in names:
        gone = connection.delete(f"/api/v1/namespaces/{name}", {"propagationPolicy": "Foreground"})
        if not gone.ok and gone.status not in (404, 409):
            raise NoVerdict(f"context {connection.context}: namespace {name} cannot be deleted: {gone.message}")
    return tuple(names)


def expired(namespaces: list[dict[str, Any]], now: datetime) -> Iterator[str]:
    """Names of the namespaces of ours whose expiry has passed; without a readable expiry they stay."""
    for namespace in namespaces:
        metadata = namespace["metadata"]
        ours = (metadata.get("labels") or {}).get(OWNER_LABEL) == OWNER
        expiry = _time((metadata.get("annotations") or {}).get(EXPIRES, ""))
        if ours and expiry is not None and expiry < now:
            yield metadata["name"]


def _time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
