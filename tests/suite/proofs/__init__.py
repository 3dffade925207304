"""One proof or more for every requirement of the catalogue: it can go red, where it must, and says why."""

from __future__ import annotations

from . import (
    cells,
    chains,
    devices,
    firewall,
    ipv6,
    nftables,
    nodes,
    objects,
    reachability,
    records,
    resolution,
    rules,
    scenarios,
    services,
)
from .proof import Proof

IPV6 = frozenset({f"NET-IPV6-{number}" for number in ("001", "002", "003", "004", "005", "007", "008")})
POLICY = frozenset({"NET-POLICY-001", "NET-POLICY-002"})  # no recorded cluster enforces policies, which is seen there and not declared
UNRECORDED = POLICY | {"NET-FLANNEL-024", "NET-PROXY-029", "NET-PROXY-030"}  # apply to no recorded cluster: unit tests prove them
NFTABLES = frozenset({"NET-PROXY-025", "NET-PROXY-026", "NET-PROXY-027", "NET-PROXY-028", "NET-FLANNEL-023"})
XTABLES = frozenset({
    "NET-PROXY-007", "NET-PROXY-008", "NET-PROXY-009", "NET-PROXY-010", "NET-PROXY-011", "NET-PROXY-012", "NET-PROXY-013",
    "NET-PROXY-016", "NET-PROXY-019", "NET-PROXY-020", "NET-PROXY-021", "NET-PROXY-023", "NET-FLANNEL-020", "NET-FLANNEL-021",
    "NET-NODE-006", "NET-NODE-015",
})  # fmt: skip
# Recording -> requirements that do not apply to its cluster: each of them but the unrecorded ones is proven on another recording.
SKIPPED = {
    "healthy-vxlan-iptables": UNRECORDED | IPV6 | NFTABLES,
    "healthy-nftables": UNRECORDED | IPV6 | XTABLES,
    "healthy-dual": UNRECORDED | NFTABLES,
}
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
    *chains.PROOFS,
    *scenarios.PROOFS,
    *records.PROOFS,
    *nftables.PROOFS,
    *ipv6.PROOFS,
)
