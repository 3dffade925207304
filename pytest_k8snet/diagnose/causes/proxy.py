"""kube-proxy: whether it runs, and whether packets come to its rules."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k8snet.model.cause import Cause
from pytest_k8snet.model.result import Result

from ..casefile import CaseFile, together, touches

_SERVICES = ("NET-SERVICE-*", "NET-EXTERNAL-00[123]", "NET-REACH-015", "NET-DNS-*", "NET-MTU-006")


def process(case: CaseFile) -> Iterator[Cause]:
    """Its pod is missing or not ready on a node."""
    for difference in case.in_cluster("NET-PROXY-001", "proxy_pods"):
        if difference.key in case.every_node:
            node = str(difference.key)
            state = difference.found or "no pod"
            yield Cause(
                "kube-proxy-not-running",
                f"kube-proxy does not run here ({state}): what changed since is not in this node's rules",
                "find out why the DaemonSet has no ready pod on this node (kubectl describe), and bring it back",
                node,
                subject="DaemonSet kube-system/kube-proxy",
                evidence=(difference.line,),
                explains=_explained(case, node, difference.result),
                shown_by=(difference.result,),
            )


def jumps(case: CaseFile) -> Iterator[Cause]:
    """Its rules are there, but packets of pods or of the node do not come to them."""
    for node in case.names:
        found = case.at_node("NET-PROXY-007", "service_hooks", node)
        if found:
            ways = " and ".join(str(difference.key) for difference in found)
            yield Cause(
                "service-jump-missing",
                f"packets {ways} do not come to kube-proxy's rules",
                "restart the kube-proxy pod of this node: it restores its jumps when it starts, else not before its next full sync",
                node,
                subject="jump to KUBE-SERVICES",
                evidence=tuple(difference.line for difference in found[:2]),
                explains=_explained(case, node, found[0].result),
                shown_by=(found[0].result,),
            )


def _explained(case: CaseFile, node: str, state: Result) -> tuple[Result, ...]:
    return together((state,), case.about("NET-PROXY-*", *_SERVICES, where=touches(node)))
