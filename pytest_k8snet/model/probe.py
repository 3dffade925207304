"""A question to the network: one action from one endpoint to another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .endpoint import Endpoint


class Action(StrEnum):
    """What the agent does; the value is its spelling on the wire and in ids."""

    TCP = "tcp"  # connect, send a nonce line, read what the echo server saw; detail "by-name": asked by name, "other-port": one it has not
    UDP = "udp"  # the same in one datagram
    ICMP = "icmp"  # echo request with the nonce as payload; don't fragment: detail "df-mtu" pod MTU, "df-over" a byte more
    BULK = "bulk"  # 1 MiB each way over TCP, compared by SHA-256
    TRACE = "trace"  # a datagram for each TTL: the routers on the way, then the target
    TLS = "tls"  # TLS handshake and GET /version
    RESOLVE = "resolve"  # through the source's own resolv.conf; detail "<udp|tcp>-<question>"
    LOOKUPS = "lookups"  # a hundred at once through the source's own resolv.conf; detail "udp-<question>"
    QUERY = "query"  # one raw DNS message to the target; detail "<udp|tcp>[-edns]-<question>"


class Family(StrEnum):
    """Address family."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"

    @classmethod
    def of(cls, address: str) -> Family:
        """The family that an address is written in."""
        return cls.IPV6 if ":" in address else cls.IPV4

    def first(self, addresses: Iterable[str]) -> str:
        """The first address of this family, "" if there is none."""
        return next((address for address in addresses if address and Family.of(address) is self), "")


@dataclass(frozen=True, slots=True, order=True)
class Probe:
    """Hashable and ordered; `str()` is its id in recordings, for example `tcp4:pod/a@worker1>service/web`."""

    action: Action
    source: Endpoint
    target: Endpoint
    detail: str = ""
    family: Family = Family.IPV4

    def __str__(self) -> str:
        detail = f"+{self.detail}" if self.detail else ""
        return f"{self.action}{self.family[-1]}{detail}:{self.source}>{self.target}"

    @classmethod
    def parse(cls, text: str) -> Probe:
        """The inverse of `str()`. Raises ValueError on anything else."""
        head, _, ends = text.partition(":")
        verb, _, detail = head.partition("+")
        source, arrow, target = ends.partition(">")
        if not arrow:
            raise ValueError(f"not a probe id: {text!r}")
        family = Family(f"ipv{verb[-1]}")
        return cls(Action(verb[:-1]), Endpoint.parse(source), Endpoint.parse(target), detail, family)
