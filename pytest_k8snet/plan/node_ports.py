"""The range of NodePorts: what the API server's own flag says, else the documented default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_k8snet.model.recording import Recording

DEFAULT = (30000, 32767)
FLAG = "--service-node-port-range="


def node_port_range(recording: Recording) -> tuple[int, int]:
    """First and last port. Reads the pods of kube-system, where kubeadm runs the API server; `30000-32767` or `30000+2767`."""
    for word in _words(recording.object("pods/kube-system") or {}):
        if word.startswith(FLAG):
            return _parsed(word.removeprefix(FLAG)) or DEFAULT
    return DEFAULT


def _parsed(text: str) -> tuple[int, int] | None:
    first, separator, last = text.partition("+" if "+" in text else "-")
    if not (first.isdigit() and (last or first).isdigit()):
        return None
    end = int(first) + int(last) if separator == "+" else int(last or first)
    return int(first), end


def _words(pods: Mapping[str, Any]) -> Iterator[str]:
    for pod in pods.get("items") or ():
        for container in (pod.get("spec") or {}).get("containers") or ():
            yield from (*(container.get("command") or ()), *(container.get("args") or ()))
