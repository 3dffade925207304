"""The values of --k8snet-external: refused here, before anything is created, when no agent could try them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

FORMS = "tcp://address:port or dns://server/name"
_NAME = re.compile(r"(?=.{1,253}\.?$)[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?)*\.?")


def read(items: Sequence[str]) -> tuple[str, ...]:
    """All targets. Raises ValueError naming the first that cannot be asked and why."""
    for item in items:
        if problem := _problem(item):
            raise ValueError(f"{item!r} {problem}")
    names = [item for item in items if item.startswith("dns://")]
    if len(names) > 1:
        raise ValueError(f"{names[1]!r} is a second dns:// target: one external name is asked, keep one")
    return tuple(items)


def _problem(item: str) -> str:
    try:
        url = urlsplit(item)
        port = url.port
    except ValueError:
        return f"is not {FORMS}"
    match url.scheme:
        case "tcp":
            return _tcp(url, port)
        case "udp":
            return f"is not supported: udp:// targets have no check yet, use {FORMS}"
        case "dns":
            return _dns(url)
    return f"is not {FORMS}"


def _tcp(url: SplitResult, port: int | None) -> str:
    extra = url.path or url.query or url.fragment or "@" in url.netloc
    if not port or extra:
        return "is not tcp://address:port with a port from 1 to 65535 and nothing behind it"
    try:
        scoped = "%" in str(ip_address(url.hostname or ""))
    except ValueError:
        scoped = True
    return "needs an IP address without a zone: the agents look up no names" if scoped else ""


def _dns(url: SplitResult) -> str:
    name = url.path.removeprefix("/")
    if url.hostname and _NAME.fullmatch(name) and not (url.query or url.fragment):
        return ""
    return "is not dns://server/name with one DNS name"
