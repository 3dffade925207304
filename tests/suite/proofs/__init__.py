"""One proof or more for every requirement of the catalogue: it can go red, where it must, and says why."""

from __future__ import annotations

from . import (
    cells,
    chains,
    devices,
    firewall,
    ipv6,
    library,
    nftables,
    nodes,
    objects,
    plugins,
    reachability,
    records,
    resolution,
    rules,
    scenarios,
    services,
    strangers,
)
from .proof import Proof

IPV6 = frozenset({f"NET-IPV6-{number}" for number in ("001", "002", "003", "004", "005", "006", "007", "008")})
POLICY = frozenset({"NET-POLICY-001", "NET-POLICY-002"})  # no recorded cluster enforces policies, which is seen there and not declared
UNRECORDED = POLICY | {  # apply to no recorded cluster: unit tests prove them
    "NET-FLANNEL-024", "NET-FLANNEL-025", "NET-NODE-008", "NET-NODE-009", "NET-PROXY-029", "NET-PROXY-030",
}  # fmt: skip
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
# Recording -> an edit that takes away what its software does wrong by itself: test_upstream.py judges it as it is.
MENDED = {"healthy-nftables": nftables.returned_as_in_iptables_mode}
ELSEWHERE = SKIPPED["healthy-vxlan-iptables"]
PROOFS: tuple[Proof, ...] = (
    *reachability.PROOFS,
    *cells.PROOFS,
    *services.PROOFS,
    *strangers.PROOFS,
    *resolution.PROOFS,
    *library.PROOFS,
    *nodes.PROOFS,
    *devices.PROOFS,
    *rules.PROOFS,
    *objects.PROOFS,
    *plugins.PROOFS,
    *firewall.PROOFS,
    *chains.PROOFS,
    *scenarios.PROOFS,
    *records.PROOFS,
    *nftables.PROOFS,
    *ipv6.PROOFS,
)
