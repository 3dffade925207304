"""kubelet's /configz: its effective configuration. Source: kubernetes.io, Set Kubelet Parameters Via A Configuration File."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import ParseError
from .json_text import mapping


def configz(body: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The KubeletConfiguration within the body (text or parsed). Raises ParseError."""
    found = mapping("kubelet /configz", body) if isinstance(body, str) else body
    config = found.get("kubeletconfig")
    if not isinstance(config, Mapping):
        raise ParseError("kubelet /configz: no kubeletconfig in it", 0, str(found))
    return config
