"""A probe as the controller asks for it, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACTIONS = ("tcp", "udp", "icmp", "bulk", "tls", "trace", "resolve", "query", "lookups")
OWN_RESOLVER = ("resolve", "lookups")  # go where the pod's resolv.conf says
SAMPLE_LIMIT = 1000
UNTIL_LIMIT = 100_000
_NONCE = re.compile(r"[0-9a-f]{2,48}")


class BadRequest(ValueError):
    """A request that cannot be tried; `str()` says which field and why."""


@dataclass(frozen=True)
class Request:
    """`raw` is what came, with the fields of single actions; times are seconds."""

    raw: Mapping[str, Any]
    action: str
    address: str
    port: int
    family: int  # AF_INET or AF_INET6
    samples: int
    warmup: int
    timeout: float
    nonce: str
    expect: str | None
    until: int
    maximum: int
    local_port: int = 0  # of datagrams: the same one every time keeps a flow's five numbers

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if self.family == socket.AF_INET6 else 4


def parse(raw: Mapping[str, Any]) -> Request:
    """Raises BadRequest. Fields that are missing get their defaults: 3 samples, 1 warm-up, 2 s."""
    action = raw.get("action")
    if action not in ACTIONS:
        raise BadRequest(f"action {action!r} is none of {', '.join(ACTIONS)}")
    family = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}.get(str(raw.get("family", "ipv4")))
    if family is None:
        raise BadRequest(f"family {raw.get('family')!r} is neither ipv4 nor ipv6")
    samples = _number(raw, "samples", 3, 1, SAMPLE_LIMIT)
    return Request(
        raw, action, _address(raw, action, family), _port(raw, action), int(family), samples,
        _number(raw, "warmup", 1, 0, SAMPLE_LIMIT), _timeout(raw), _nonce(raw), raw.get("expect") or None,
        _number(raw, "until", 0, 0, UNTIL_LIMIT), max(samples, _number(raw, "max", 0, 0, UNTIL_LIMIT)),
        _number(raw, "local_port", 0, 0, 65535),
    )  # fmt: skip


def _address(raw: Mapping[str, Any], action: str, family: int) -> str:
    if action in OWN_RESOLVER:
        return ""
    text = raw.get("server") or raw.get("address") if action == "query" else raw.get("address")
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        raise BadRequest(f"address {text!r} is no IP address") from None
    if (address.version == 6) != (family == socket.AF_INET6):
        raise BadRequest(f"address {text} is not of family {raw.get('family', 'ipv4')}")
    return str(text)


def _port(raw: Mapping[str, Any], action: str) -> int:
    if action == "icmp" or action in OWN_RESOLVER:
        return 0
    return _number(raw, "port", 53 if action == "query" else 0, 1, 65535)


def _number(raw: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = raw.get(name)
    if value is None:
        value = default
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadRequest(f"{name} {value!r} is not a whole number from {low} to {high}")
    return value


def _timeout(raw: Mapping[str, Any]) -> float:
    value = raw.get("timeout", 2.0)
    if not isinstance(value, (int, float)) or not 0 < value <= 60:
        raise BadRequest(f"timeout {value!r} is not a number of seconds up to 60")
    return float(value)


def _nonce(raw: Mapping[str, Any]) -> str:
    value = raw.get("nonce")
    if not isinstance(value, str) or not _NONCE.fullmatch(value):
        raise BadRequest(f"nonce {value!r} is not 2 to 48 hex digits")
    return value
