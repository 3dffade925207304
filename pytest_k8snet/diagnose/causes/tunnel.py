"""The size of packets that fit into the tunnel."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k8snet.model.cause import Cause

from ..casefile import CaseFile, together, touches


def mtu(case: CaseFile) -> Iterator[Cause]:
    """A tunnel device whose MTU is not the external interface's less the backend's overhead."""
    for node in case.names:
        found = case.at_node("NET-MTU-001", "tunnel_mtu", node)
        if found:
            difference = found[0]
            cells = case.about("NET-MTU-00[23456]", "NET-SERVICE-*", "NET-EXTERNAL-*", "NET-FLANNEL-005", where=touches(node))
            dns = case.about("NET-DNS-027", where=None if node in case.dns_nodes else touches(node))
            yield Cause(
                "tunnel-mtu-wrong",
                f"{difference.key} has MTU {difference.found} where pods' packets need {difference.expected}: large packets are lost",
                "restart the flannel pod of this node, which sets the MTU again, and look for what changed it",
                node,
                subject=str(difference.key),
                evidence=(difference.line,),
                explains=together((difference.result,), cells, dns),
                shown_by=(difference.result,),
            )
