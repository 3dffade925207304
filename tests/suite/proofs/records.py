"""Records of Services: a server that answers something else than the API's objects say. The messages themselves are edited."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
from spoiling import Evidence

from .proof import FAILED, WARNING, Edit, Proof, outcome, reply

Change = Callable[[dns.message.Message], None]


def message(question: str, change: Change, source: str = "pod/a@w1", target: str = "service/kube-dns", transport: str = "udp") -> Edit:
    """The reply to one question, changed and packed again."""

    def packed(sample: dict[str, Any]) -> None:
        found = dns.message.from_wire(base64.b64decode(sample["detail"]["wire"]))
        change(found)
        sample["detail"]["wire"] = base64.b64encode(found.to_wire()).decode()

    def edit(evidence: Evidence) -> None:
        evidence.samples(f"query4+{transport}-{question}:{source}>{target}", packed)

    return edit


def answer(*records: str) -> Change:
    """The answer section holds these records of the type that was asked for."""

    def change(found: dns.message.Message) -> None:
        asked = found.question[0]
        found.set_rcode(dns.rcode.NOERROR)
        found.answer = [dns.rrset.from_text(asked.name, 30, asked.rdclass, asked.rdtype, *records)] if records else []

    return change


def another_port(found: dns.message.Message) -> None:
    """Port 8080 of the same target."""
    target = found.answer[0][0].target.to_text()
    answer(f"0 100 8080 {target}")(found)


def one_less(found: dns.message.Message) -> None:
    """The first address is missing."""
    first = found.answer[0]
    first.remove(first[0])


def coded(rcode: int, soa: bool = True) -> Change:
    """No answer, and this code."""

    def change(found: dns.message.Message) -> None:
        found.answer = []
        found.authority = found.authority if soa else []
        found.set_rcode(rcode)

    return change


WHO = "pod/a@w1: answers through its own resolver"
PROOFS = (
    Proof(
        "NET-DNS-017",
        "the name of a Service leads to another address",
        message("web-a", answer("192.0.2.1")),
        red=("pod/a@w1",),
        text=(WHO, "udp-web-a: expected 10.96.", "found 192.0.2.1", "question web."),
    ),
    Proof(
        "NET-DNS-017",
        "an IPv4 Service has an IPv6 address",
        message("web-aaaa", answer("2001:db8::1")),
        red=("pod/a@w1",),
        text=("udp-web-aaaa: expected no record, found 2001:db8::1", "svc.cluster.local. AAAA"),
    ),
    Proof(
        "NET-DNS-018",
        "a name with its namespace does not resolve over TCP",
        outcome("resolve4+tcp-space:pod/a@w1>resolver", "name-error"),
        red=("pod/a@w1",),
        text=(WHO, "tcp-space: expected 10.96.", "found name-error", "question web.k8snet-"),
    ),
    Proof(
        "NET-DNS-018",
        "from another namespace the name leads elsewhere",
        reply("resolve4+udp-space-svc:pod/hostdns@w1>resolver", answers=["192.0.2.1"]),
        red=("pod/hostdns@w1",),
        text=("pod/hostdns@w1: answers", "udp-space-svc: expected 10.96.", "found 192.0.2.1"),
    ),
    Proof(
        "NET-DNS-020",
        "a named port has another number",
        message("web-srv-tcp", another_port),
        red=("pod/a@w1",),
        text=(WHO, "udp-web-srv-tcp: expected 80 web.", "found 8080 web.", "question _tcp._tcp.web.", "SRV"),
    ),
    Proof(
        "NET-DNS-020",
        "a port has a record under another protocol",
        message("web-srv-other", answer("0 100 80 web.shop.svc.cluster.local.")),
        red=("pod/a@w1",),
        text=("udp-web-srv-other: expected no record, found 80 web.shop.svc.cluster.local.",),
    ),
    Proof(
        "NET-DNS-020",
        "a port without a name has a record",
        message("published-srv", answer("0 100 7801 x.shop.svc.cluster.local.")),
        red=("pod/a@w1",),
        text=("udp-published-srv: expected no record, found 7801 x.shop.svc.cluster.local.",),
    ),
    Proof(
        "NET-DNS-021",
        "the reverse name belongs to another Service",
        message("web-ptr", answer("other.shop.svc.cluster.local.")),
        red=("pod/a@w1",),
        text=(WHO, "udp-web-ptr: expected web.", "found other.shop.svc.cluster.local.", ".in-addr.arpa. PTR"),
    ),
    Proof(
        "NET-DNS-022",
        "a ready pod is not listed",
        message("peers-a", one_less),
        red=("pod/a@w1",),
        text=(WHO, "udp-peers-a: expected 10.244.", "question peers."),
    ),
    Proof(
        "NET-DNS-022",
        "the name of a pod leads to another pod",
        lambda evidence: message("own-a", answer(evidence.ip("pod/a@w2")))(evidence),
        red=("pod/a@w1",),
        text=("udp-own-a: expected {pod/a@w1}, found {pod/a@w2}", "question a-"),
    ),
    Proof(
        "NET-DNS-022",
        "without a ready endpoint the name is still there",
        message("unready-a", coded(dns.rcode.NOERROR)),
        red=("pod/a@w1",),
        text=("udp-unready-a: expected NXDOMAIN, found NOERROR without an answer",),
    ),
    Proof(
        "NET-DNS-023",
        "an unready pod is not published",
        message("published-a", coded(dns.rcode.NXDOMAIN)),
        red=("pod/a@w1",),
        status=WARNING,
        text=(WHO, "udp-published-a: expected 10.244.", "found NXDOMAIN"),
    ),
    Proof(
        "NET-DNS-023",
        "an unready pod is published though nobody wants it",
        lambda evidence: message("unready-a", answer(evidence.ip("pod/custom@control")))(evidence),
        red=("pod/a@w1",),
        status=WARNING,
        text=("udp-unready-a: expected no record, found {pod/custom@control}",),
        also={"NET-DNS-022 pod/a@w1": FAILED},
    ),
    Proof(
        "NET-DNS-024",
        "the alias points elsewhere",
        message("alias-cname", answer("inside.example.com.")),
        red=("pod/a@w1",),
        text=(WHO, "udp-alias-cname: expected outside.example.com., found inside.example.com.", "CNAME"),
    ),
    Proof(
        "NET-DNS-028",
        "one server does not answer one node",
        outcome("query4+udp-cluster:pod/a@w1>dns@w2", "timeout", 2.0),
        red=("pod/a@w1 > dns@w2 query+udp-cluster",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > dns@w2 at 10.244.",
            ":53 query udp-cluster: 0 of 3 samples reached, 3 timeout",
            "each server behind it",
        ),
    ),
    Proof(
        "NET-DNS-028",
        "the Service answers no node over TCP, the servers do",
        outcome("query4+tcp-cluster:pod/a@*>service/kube-dns", "refused"),
        red=tuple(f"pod/a@{node} > service/kube-dns query+tcp-cluster" for node in ("control", "w1", "w2")),
        text=("> service/kube-dns at 10.96.0.10:53 query tcp-cluster: 0 of 3 samples reached, 3 refused",),
        also={f"NET-DNS-026 pod/a@{node}": FAILED for node in ("control", "w1", "w2")},
    ),
    Proof(
        "NET-DNS-025",
        "a missing name has no SOA",
        message("missing", coded(dns.rcode.NXDOMAIN, soa=False)),
        red=("pod/a@w1",),
        status=WARNING,
        text=(WHO, "udp-missing: expected NXDOMAIN with a SOA, found NXDOMAIN without a SOA", "question nope."),
    ),
    Proof(
        "NET-DNS-025",
        "a name without the asked type does not exist",
        message("kubernetes-aaaa", coded(dns.rcode.NXDOMAIN)),
        red=("pod/a@w1",),
        status=WARNING,
        text=("udp-kubernetes-aaaa: expected NOERROR without an answer, found NXDOMAIN with a SOA",),
    ),
)
