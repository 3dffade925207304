"""One proof or more for every requirement of the catalogue: it can go red, where it must, and says why."""

from __future__ import annotations

from . import cells, devices, firewall, ipv6, nodes, objects, reachability, records, resolution, rules, scenarios, services
from .proof import Proof

IPV6 = frozenset({f"NET-IPV6-{number}" for number in ("001", "002", "003", "005", "007", "008")})
UNRECORDED = frozenset({"NET-FLANNEL-024"})  # do not apply to any recorded cluster: unit tests prove them
# Recording -> requirements that do not apply to its cluster: all others of them are proven on another recording.
SKIPPED = {"healthy-vxlan-iptables": IPV6 | UNRECORDED, "healthy-dual": UNRECORDED}
ELSEWHERE = SKIPPED["healthy-vxlan-iptables"]
PROOFS: tuple[Proof, ...] = (
    *reachability.PROOFS,
    *cells.PROOFS,
    *services.PROOFS,
    *resolution.PROOFS,
    *nodes.PROOFS,
    *devices.PROOFS,
    *rules.PROOFS,
    *objects.PROOFS,
    *firewall.PROOFS,
    *scenarios.PROOFS,
    *records.PROOFS,
    *ipv6.PROOFS,
)
