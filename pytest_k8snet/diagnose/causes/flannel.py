"""flannel's own process."""

from __future__ import annotations

from collections.abc import Iterator

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
