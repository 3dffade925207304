"""flannel's own process, and what it writes wrong by itself."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k8snet.evidence.flannel_nft import KEPT, MASQUERADED
from pytest_k8snet.model.cause import Cause

from ..casefile import CaseFile, touches


def process(case: CaseFile) -> Iterator[Cause]:
    """Its pod is missing or not ready on a node: what is there stays, and nobody repairs it."""
    for difference in case.in_cluster("NET-FLANNEL-001", "flannel_pods"):
        node = str(difference.key)
        yield Cause(
            "flannel-not-running",
            f"flannel does not run here ({difference.found or 'no pod'}): routes and rules stay as they are, unrepaired",
            "find out why its DaemonSet has no ready pod on this node (kubectl describe, its log), and bring it back",
            node,
            subject="flannel's DaemonSet",
            evidence=(difference.line,),
            explains=(difference.result, *case.about("NET-FLANNEL-012", "NET-FLANNEL-026", where=touches(node))),
            shown_by=(difference.result,),
        )


def swapped_return(case: CaseFile) -> Iterator[Cause]:
    """nftables mode: a return rule that was meant for this node's subnet takes what the last masquerade rule is for."""
    by_node = {node: case.at_node("NET-FLANNEL-023", "flannel_tables", node) for node in case.names}
    kept = [d for found in by_node.values() for d in found if (d.expected, d.found) == (MASQUERADED, KEPT) and _swapped(d.note)]
    if not kept:
        return
    yield Cause(
        "flannel-return-swapped",
        "flannel's nftables rules return what comes from outside to other nodes' pods: subnet and network are swapped in a rule",
        "use flannel's iptables mode (EnableNFTables: false) or a version that repairs this rule; until then such packets keep"
        " their source, and their answers do not come back through the node that forwarded them",
        subject=kept[0].note,
        evidence=tuple(d.line for d in kept[:2]),
        explains=case.about("NET-FLANNEL-023"),
        shown_by=tuple({str(d.result.subject): d.result for d in kept}.values()),
    )


def _swapped(rule: str) -> bool:
    return "saddr != " in rule and rule.endswith("return")
