"""What leads one node's packets to another node's pods: route, neighbour and forwarding entry."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k8snet.model.cause import Cause

from ..casefile import CaseFile, Difference, between, together

_KINDS = {
    "overlay-route-wrong": ("NET-FLANNEL-015", "peer_routes", "route to the pods"),
    "overlay-neighbour-wrong": ("NET-FLANNEL-016", "neighbours", "neighbour entry for the tunnel address"),
    "overlay-fdb-wrong": ("NET-FLANNEL-017", "fdb", "forwarding entry for the tunnel's MAC"),
}
_CELLS = (
    "NET-REACH-00[568]", "NET-REACH-01[018]", "NET-NAT-002", "NET-SERVICE-*", "NET-EXTERNAL-*", "NET-MTU-00[356]", "NET-PATH-*",
    "NET-DNS-*",
)  # fmt: skip


def entries(case: CaseFile) -> Iterator[Cause]:
    """One cause for each node, peer and kind of entry."""
    for id, (requirement, comparison, what) in _KINDS.items():
        for node in case.names:
            for peer, found in _by_peer(case, case.at_node(requirement, comparison, node)).items():
                yield _cause(case, id, what, node, peer, found)


def _cause(case: CaseFile, id: str, what: str, node: str, peer: str, found: list[Difference]) -> Cause:
    words = "is missing" if found[0].found is None else "leads elsewhere" if peer else "belongs to no node"
    state = found[0].result
    cells = case.about(*_CELLS, where=between(node, peer)) if peer else ()
    return Cause(
        id,
        f"the {what} of {peer} {words}" if peer else f"a {what} {words}",
        "restart the flannel pod of this node: flannel writes these entries when it starts, and does not repair them",
        node,
        peer,
        subject=str(found[0].key),
        evidence=tuple(difference.line for difference in found[:2]),
        explains=together((state,), cells),
        shown_by=(state,),
    )


def _by_peer(case: CaseFile, found: tuple[Difference, ...]) -> dict[str, list[Difference]]:
    """The peer stands last in the note ("VtepMAC of worker2")."""
    peers: dict[str, list[Difference]] = {}
    for difference in found:
        name = difference.note.rpartition(" of ")[2]
        peers.setdefault(name if name in case.every_node else "", []).append(difference)
    return peers
