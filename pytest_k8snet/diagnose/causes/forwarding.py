"""Whether the kernel forwards at all."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k8snet.model.cause import Cause
from pytest_k8snet.model.result import Result

from ..casefile import CaseFile, Where, together, touches


def off(case: CaseFile) -> Iterator[Cause]:
    """IPv4 forwarding is 0, globally or on a device of the pods' way."""
    for node in case.names:
        found = case.at_node("NET-NODE-001", "forwarding", node)
        if found:
            keys = [str(difference.key).partition(" ")[0] for difference in found]
            yield Cause(
                "forwarding-off",
                f"the kernel does not forward IPv4 packets: {', '.join(dict.fromkeys(keys))} = 0",
                f"set {keys[0]} = 1 in /etc/sysctl.d and apply it, and look for what writes 0",
                node,
                subject=keys[0],
                evidence=tuple(difference.line for difference in found[:2]),
                explains=_explained(case, node, hidden=all("before" in str(difference.key) for difference in found)),
                shown_by=(found[0].result,),
            )


def _explained(case: CaseFile, node: str, hidden: bool) -> tuple[Result, ...]:
    """With the first pod the bridge plugin writes 1, which ends the effect of a global 0."""
    state = case.about("NET-NODE-001", where=touches(node))
    if hidden:
        return state
    cells = ("NET-REACH-*", "NET-SERVICE-*", "NET-EXTERNAL-*", "NET-MTU-00[3-6]", "NET-PATH-*")
    dns = case.about("NET-DNS-*", where=None if node in case.dns_nodes else touches(node))
    return together(state, case.about(*cells, where=_by_way_of(node)), dns)


def _by_way_of(node: str) -> Where:
    """Cells that begin or end there, and those to a Service, whose backend may be there."""
    near = touches(node)
    return lambda subject: near(subject) or subject.target.startswith(("service/", "node-port/"))
