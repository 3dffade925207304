"""The pods of all namespaces, page by page, and of each only where it runs and which addresses it has.

Whatever else a pod's object holds (environment, annotations of other people's software) never enters a recording.
"""

from __future__ import annotations

from typing import Any

from .connection import Answer, Connection, Unreachable

PODS = "pods"  # name in the recording
PATH = "/api/v1/pods"
PAGE = 500
KEPT = {
    "metadata": ("name", "namespace", "deletionTimestamp"),
    "spec": ("nodeName", "hostNetwork"),
    "status": ("phase", "podIP", "podIPs", "hostIP", "hostIPs"),
}


def pods(connection: Connection) -> Answer:
    """All of them in one answer, or the first refusal: a part of the list is no evidence. Pages of one list are of one moment."""
    items: list[dict[str, Any]] = []
    query: list[tuple[str, str | int]] = [("limit", PAGE)]
    while True:
        answer = _page(connection, query)
        if answer.status != 200 or not isinstance(answer.body, dict):
            return answer
        items += map(_kept, answer.body.get("items") or ())
        token = (answer.body.get("metadata") or {}).get("continue")
        if not token:
            return Answer(200, {"items": items})
        query = [("limit", PAGE), ("continue", token)]


def _page(connection: Connection, query: list[tuple[str, str | int]]) -> Answer:
    try:
        return connection.get(PATH, query)
    except Unreachable as error:
        return Answer(0, {"message": str(error)})


def _kept(pod: dict[str, Any]) -> dict[str, Any]:
    parts = {part: pod.get(part) or {} for part in KEPT}
    return {part: {key: found[key] for key in KEPT[part] if key in found} for part, found in parts.items()}
