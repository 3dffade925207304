"""Is a probe pod ready, on its way, or stuck? Read off its status alone (Kubernetes API reference, Pod v1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PULL_FAILURES = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImageNeverPull", "InvalidImageName")
HOPELESS = ("ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError")


def ready(pod: Mapping[str, Any]) -> bool:
    """Every container runs and the pod has an address."""
    containers = _containers(pod)
    running = bool(containers) and all(c.get("ready") and "running" in (c.get("state") or {}) for c in containers)
    return running and bool(address(pod)) and len(containers) == len(pod["spec"]["containers"])


def address(pod: Mapping[str, Any]) -> str:
    """status.podIP, "" if none yet."""
    return str((pod.get("status") or {}).get("podIP") or "")


def where(pod: Mapping[str, Any]) -> dict[str, Any]:
    """`ip` (status.podIP) and `ips` (status.podIPs, one of each family)."""
    listed = [str(entry["ip"]) for entry in (pod.get("status") or {}).get("podIPs") or () if entry.get("ip")]
    return {"ip": address(pod), "ips": listed}


def naming(pod: Mapping[str, Any] | None) -> dict[str, Any]:
    """What of the pod's spec decides about its name and its resolver."""
    spec = (pod or {}).get("spec") or {}
    return {key: spec[key] for key in ("hostname", "subdomain", "dnsPolicy", "dnsConfig") if spec.get(key)}


def final_problem(pod: Mapping[str, Any]) -> str:
    """Why the pod will not become ready any more; "" if it may."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "the pod is being deleted by somebody else"
    if status.get("phase") in ("Failed", "Succeeded"):
        return _ended(status)
    waiting = next((w for w in _waiting(pod) if w.get("reason") in HOPELESS), None)
    return "" if waiting is None else describe(pod)


def pulling_fails(pod: Mapping[str, Any]) -> bool:
    """Whether the last attempt to pull the image failed; the kubelet goes on trying."""
    return any(waiting.get("reason") in PULL_FAILURES for waiting in _waiting(pod))


def describe(pod: Mapping[str, Any]) -> str:
    """What the pod waits for, in the kubelet's words, with node and image named."""
    node = pod["spec"].get("nodeName", "")
    for container in _containers(pod):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in PULL_FAILURES:
            return f"image {container['image']} cannot be pulled on node {node}: {_words(waiting)}"
    for waiting in _waiting(pod):
        if waiting.get("message"):
            return f"not running on node {node}: {_words(waiting)}"
    return _condition(pod) or f"the kubelet of node {node} has not started it ({(pod.get('status') or {}).get('phase', 'no status')})"


def _ended(status: Mapping[str, Any]) -> str:
    if status.get("reason"):
        return _words(status)
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if ended:
            return f"container {container['name']} ended with exit code {ended.get('exitCode')}: {_words(ended)}"
    return f"the pod ended ({status.get('phase')})"


def _condition(pod: Mapping[str, Any]) -> str:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("status") == "False" and condition.get("type") == "PodScheduled":
            return f"not scheduled: {_words(condition)}"
    return ""


def _waiting(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    states = ((c.get("state") or {}).get("waiting") for c in _containers(pod))
    return [waiting for waiting in states if waiting]


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((pod.get("status") or {}).get("containerStatuses") or ())


def _words(state: Mapping[str, Any]) -> str:
    """ "Reason: message" on one line."""
    return ": ".join(" ".join(str(state[key]).split()) for key in ("reason", "message") if state.get(key))


def misplaced(pod: Mapping[str, Any], node: str) -> str:
    """That the pod runs on another node than planned, "" if it does not: an admission webhook may move pods."""
    found = (pod.get("spec") or {}).get("nodeName", "")
    return "" if found == node else f"it runs on node {found or 'unknown'}, not on {node}: something changed the pod after its creation"
