"""One proof or more for every requirement of the catalogue: it can go red, where it must, and says why."""

from __future__ import annotations

from . import cells, chains, devices, firewall, nodes, objects, reachability, records, resolution, rules, scenarios, services
from .proof import Proof

# Do not apply to the recorded cluster: unit tests prove them.
ELSEWHERE = frozenset({"NET-FLANNEL-024", "NET-IPV6-001", "NET-IPV6-002", "NET-IPV6-005"})
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
    *chains.PROOFS,
    *scenarios.PROOFS,
    *records.PROOFS,
)
