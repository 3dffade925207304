"""kube-proxy's config.conf (KubeProxyConfiguration, kubernetes.io reference kube-proxy-config.v1alpha1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from .errors import ParseError

WHAT = "kube-proxy config.conf"
MASQUERADE_BIT = 14


def config(text: str) -> Mapping[str, Any]:
    """The configuration as written, without defaults. Raises ParseError."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ParseError(f"{WHAT}: not YAML ({getattr(error, 'problem', '') or error})", mark.line + 1 if mark else 0) from error
    if not isinstance(found, dict) or found.get("kind") != "KubeProxyConfiguration":
        raise ParseError(f"{WHAT}: no KubeProxyConfiguration", 0, text)
    return found


def mode(configuration: Mapping[str, Any]) -> str:
    """The mode as set, "" = the platform's default."""
    return str(configuration.get("mode") or "")


def masquerade_bit(configuration: Mapping[str, Any]) -> int:
    """iptables.masqueradeBit, nftables.masqueradeBit in that mode; default 14."""
    section = configuration.get("nftables" if mode(configuration) == "nftables" else "iptables") or {}
    bit = section.get("masqueradeBit")
    return MASQUERADE_BIT if bit is None else int(bit)
