"""Name resolution: servers on loopback, and questions that TCP does not carry."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k8snet.model.cause import Cause, Confidence
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.result import Result

from ..casefile import CaseFile, Where, from_node, touches
from ..rulewalk import stopped

_UNANSWERED = (
    *(Outcome.TIMEOUT, Outcome.REFUSED, Outcome.RESET),
    *(Outcome.HOST_UNREACHABLE, Outcome.NET_UNREACHABLE, Outcome.PROHIBITED),
)


def loopback_server(case: CaseFile) -> Iterator[Cause]:
    """The file that kubelet hands to pods names a server that only the node itself can ask."""
    for node in case.names:
        found = [d for d in case.at_node("NET-DNS-014", "resolver_file", node) if str(d.found).startswith("loopback")]
        if found:
            path = found[0].line.partition(" (")[0]
            own = case.about("NET-DNS-00[79]", where=touches(node))
            yield Cause(
                "resolver-file-loopback",
                f"{path}, which kubelet gives to pods, names a loopback server: pods ask themselves, and CoreDNS asks itself in a loop",
                "let kubelet's resolvConf name a file with the real servers (with systemd-resolved /run/systemd/resolve/resolv.conf)"
                " and restart kubelet, then CoreDNS",
                node,
                subject=path,
                evidence=(found[0].line,),
                explains=(found[0].result, *own, *case.about("NET-DNS-001", "NET-DNS-015", "NET-DNS-031")),
                shown_by=(found[0].result,),
            )


def tcp_stopped(case: CaseFile) -> Iterator[Cause]:
    """Questions over TCP fail while the same questions over UDP are answered: at the nodes whose rules stop them, if any do."""
    broken = [node for node in case.names if _only_tcp(case.about("NET-DNS-026", "NET-DNS-019", where=_asked_at(node)))]
    if not broken:
        return
    dropping = {node: rule for node in case.names if (rule := stopped(case, node, case.inventory.dns_ip, "tcp", 53))}
    for node in dropping or broken:
        yield _stopped_at(case, node, dropping.get(node, ""), everywhere=bool(case.dns_nodes & {node}) or len(dropping or broken) == 1)


def _stopped_at(case: CaseFile, node: str, rule: str, everywhere: bool) -> Cause:
    shown_by = case.about("NET-DNS-026", where=_asked_at(node)) or case.about("NET-DNS-026")
    lines = tuple(line.strip() for result in shown_by[:1] for line in result.message.splitlines()[1:2])
    return Cause(
        "dns-tcp-stopped",
        "something on this node drops DNS over TCP: answers that do not fit into UDP are lost",
        "let TCP port 53 pass like UDP port 53" + ("" if rule else ": look for rules and firewalls that drop it on the way"),
        node,
        subject=rule or "TCP port 53",
        confidence=Confidence.CERTAIN if rule else Confidence.LIKELY,
        evidence=(*((f"a pod's packet to the DNS Service, TCP port 53, is dropped by {rule}",) if rule else ()), *lines),
        explains=case.about("NET-DNS-*", where=None if everywhere else touches(node)),
        shown_by=shown_by,
    )


def _asked_at(node: str) -> Where:
    """A resolver is asked by its source."""
    near = from_node(node)
    return lambda subject: near(subject) or subject.node == node


def _only_tcp(results: tuple[Result, ...]) -> bool:
    """Nothing but questions over TCP, and nothing came back: a wrong answer was not stopped."""
    lines = [line.strip() for result in results for line in result.message.splitlines()[1:]]
    stopped_there = all(line.startswith("tcp-") and any(f"found {outcome}" in line for outcome in _UNANSWERED) for line in lines)
    return any(r.requirement == "NET-DNS-026" for r in results) and stopped_there
