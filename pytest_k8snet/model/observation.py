"""What happened on the wire, without any judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .probe import Probe


class Outcome(StrEnum):
    """How an attempt ended. Only REACHED means that the right peer answered with the right nonce."""

    REACHED = "reached"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    HOST_UNREACHABLE = "host-unreachable"
    NET_UNREACHABLE = "net-unreachable"
    PROHIBITED = "prohibited"  # ICMP administratively prohibited, EACCES/EPERM from the network
    TOO_BIG = "too-big"  # EMSGSIZE or fragmentation needed
    RESET = "reset"
    WRONG_PEER = "wrong-peer"  # somebody else answered, or with a foreign nonce
    TLS_ERROR = "tls-error"
    DAMAGED = "damaged"  # bulk data arrived with another checksum
    NAME_ERROR = "name-error"  # DNS: NXDOMAIN or no data (getaddrinfo -2/-5)
    NAME_FAILURE = "name-failure"  # DNS: SERVFAIL, REFUSED (getaddrinfo -3)
    TRUNCATED = "truncated"  # DNS: TC bit
    FLAKY = "flaky"  # of an Observation only: some samples reached, some not
    PROBE_ERROR = "probe-error"  # the agent itself could not try: never evidence about the network


@dataclass(frozen=True, slots=True)
class Sample:
    """One attempt with its own deadline.

    `reply` is what the echo server said it saw: `server` (its endpoint), `peer` and `peer_port` (the source address as it
    arrived), `ttl`, `mss`; for DNS it holds `address` (base64 wire messages are under `messages`).
    `detail` is the rest of what the agent noted (errno, local address, retransmits, reply TTL, ICMP MTU).
    """

    outcome: Outcome
    seconds: float
    nonce: str
    reply: Mapping[str, Any]
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """All judged samples of one probe (the warm-up is not among them) and the request that was really sent."""

    probe: Probe
    request: Mapping[str, Any]
    samples: tuple[Sample, ...]

    @property
    def outcome(self) -> Outcome:
        """REACHED if every sample reached, FLAKY if only some did, else the outcome of the last failing sample."""
        outcomes = [sample.outcome for sample in self.samples]
        if Outcome.PROBE_ERROR in outcomes or not outcomes:
            return Outcome.PROBE_ERROR
        failed = [outcome for outcome in outcomes if outcome is not Outcome.REACHED]
        if not failed:
            return Outcome.REACHED
        return failed[-1] if len(failed) == len(outcomes) else Outcome.FLAKY

    @property
    def reached(self) -> tuple[Sample, ...]:
        """The samples that reached."""
        return tuple(sample for sample in self.samples if sample.outcome is Outcome.REACHED)
