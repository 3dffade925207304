"""Probe -> the request that its source's agent understands (shapes: docs/reference/agent.md)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from pytest_k8snet.model.endpoint import EndpointKind
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.plan import questions

from .addresses import Address, AddressBook
from .questions import Names

BULK_BYTES = 1 << 20
LOOKUPS = 100
PATIENT, PATIENCE = ("cluster", "missing"), 12.0  # s for getaddrinfo: the GNU C library gives up after two times five
HOPS = 4
_SIZES = {"df-mtu": "mtu", "df-over": "mtu+1"}
_TYPES = {Family.IPV4: "A", Family.IPV6: "AAAA"}
EDNS_SIZE = 1232  # the size DNS servers agreed on in 2020 to stay below every path MTU


@dataclass(frozen=True, slots=True)
class Sampling:
    """How often one probe is tried. `until`: stop as soon as so many different servers answered, at most `maximum` tries."""

    samples: int = 3
    warmup: int = 1
    until: int = 0
    maximum: int = 0


class RequestBuilder:
    """Knows the addresses of one run, and its names unless no question is about them."""

    def __init__(self, book: AddressBook, names: Names | None, timeout: float) -> None:
        self._book, self._names, self._timeout = book, names, timeout

    def build(self, probe: Probe, sampling: Sampling) -> dict[str, Any]:
        """The request. Raises NoAddress or KeyError when this run cannot ask it."""
        address = self._book.find(probe.target, probe.source, probe.action, probe.family)
        return _common(probe, address, sampling, self._timeout) | self._particular(probe, address)

    def _particular(self, probe: Probe, address: Address) -> dict[str, Any]:
        match probe.action:
            case Action.TCP | Action.UDP if probe.target.name == "empty":
                return {"warmup": 0}  # each refusal uses up some of the few ICMP errors that Linux sends one host in a second
            case Action.TCP if address.expect is None:
                return {"echo": False}
            case Action.TCP if probe.detail == "by-name":
                return self._question(probe, {"type": _TYPES[probe.family]})
            case Action.TCP if probe.detail == "other-port":
                return {"port": address.port + 1, "warmup": 0}
            case Action.ICMP if probe.target.kind is EndpointKind.SERVICE:
                return {"warmup": 0}
            case Action.ICMP if probe.detail in _SIZES:
                return {"size": _SIZES[probe.detail], "df": True}
            case Action.BULK:
                return {"bytes": BULK_BYTES, "samples": 1, "warmup": 0}
            case Action.TRACE:
                return {"hops": HOPS, "samples": 1, "warmup": 0}
            case Action.TLS:
                # Every sample is a request that the API server counts and answers, from each node to each address.
                return {"server_name": "kubernetes.default.svc", "path": "/version", "warmup": 0}
            case Action.RESOLVE:
                return self._question(probe, {"patience": PATIENCE} if questions.of(probe.detail) in PATIENT else {})
            case Action.LOOKUPS:
                return self._question(probe, {"count": LOOKUPS, "samples": 1, "warmup": 0})
            case Action.QUERY:
                return self._question(probe, {"server": address.ip, "edns": EDNS_SIZE if "-edns-" in probe.detail else 0})
        return {}

    def _question(self, probe: Probe, more: dict[str, Any]) -> dict[str, Any]:
        if self._names is None:
            raise KeyError(f"nobody here knows the names that {probe} asks for")
        name, kind = self._names.question("short" if probe.action is Action.TCP else questions.of(probe.detail), probe.source)
        return {"transport": probe.detail.partition("-")[0], "name": name, "type": kind, **more}


def _common(probe: Probe, address: Address, sampling: Sampling, timeout: float) -> dict[str, Any]:
    request: dict[str, Any] = {
        "id": str(probe), "action": str(probe.action), "family": str(probe.family),
        "address": address.ip, "port": address.port, "expect": address.expect or None,
        "samples": sampling.samples, "warmup": sampling.warmup, "timeout": timeout, "nonce": secrets.token_hex(6),
    }  # fmt: skip
    if probe.target.kind is EndpointKind.RESOLVER:
        del request["address"], request["port"]
    return request | ({"until": sampling.until, "max": sampling.maximum} if sampling.until else {})
