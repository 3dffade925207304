"""A cluster of both families: reachability, NodePorts, flannel's state and prerequisites over IPv6."""

from __future__ import annotations

import re
from typing import Any

from spoiling import Evidence

from .nodes import fact, json_list
from .proof import FAILED, INCONCLUSIVE, WARNING, Edit, Proof, outcome, reply
from .records import answer, message

DUAL = "healthy-dual"
PAIR = "pod/a@w1 > pod/a@w2 tcp ipv6"


def on_dual(requirement: str, what: str, edit: Edit, red: str, text: tuple[str, ...], **more: Any) -> Proof:
    """A proof on the recording of a cluster of both families."""
    return Proof(requirement, what, edit, (red,), text, on=DUAL, **more)


def _no_masquerading(evidence: Evidence) -> None:
    evidence.fact("w1", "ip6tables", lambda text: re.sub(r"(?m)^\[\d+:\d+\] -A FLANNEL-POSTRTG .*MASQUERADE.*\n", "", text))


def _multicast(evidence: Evidence) -> None:
    evidence.fact("w1", "ip6tables", lambda text: text.replace("! -d ff00::/8 ", ""))


def _not_forwarded(evidence: Evidence) -> None:
    evidence.fact("w1", "ip6tables", lambda text: re.sub(r"(?m)^\[\d+:\d+\] -A FLANNEL-FWD .*\n", "", text))


def _one_address(body: Any) -> None:
    pod = next(item for item in body["items"] if item["metadata"]["name"].startswith("coredns"))
    pod["status"]["podIPs"] = pod["status"]["podIPs"][:1]


def _without(*parts: str) -> Edit:
    """Rules of `ip6tables-save` that hold all these parts are not there."""

    def edited(text: str) -> str:
        return "\n".join(line for line in text.split("\n") if not all(part in line for part in (" -A ", *parts)))

    return lambda evidence: evidence.fact("w1", "ip6tables", edited)


def _elsewhere(evidence: Evidence) -> None:
    evidence.fact("w1", "ip6tables", lambda text: re.sub(r"(/web:tcp.*--to-destination )\S+", r"\1[2001:db8::1]:7801", text, count=1))


def _at_loopback(evidence: Evidence) -> None:
    evidence.fact("w1", "ip6tables", lambda text: text.replace("! -d ::1/128 ", ""))


def _other_mac() -> Edit:
    return json_list("neighbours", {"dst": "{tunnel6 w2}"}, {"lladdr": "0a:00:00:00:00:01"})


STATE = "w1: flannel's IPv6 state"
PROOFS = (
    on_dual("NET-IPV6-001", "IPv6 is not forwarded", fact("ip6-forward", "1", "0"), "w1", ("forwarding", "expected 1, found 0")),
    on_dual("NET-IPV6-002", "a pod has one family", lambda e: e.object("pods", _one_address), "cluster", ("coredns",)),
    on_dual(
        "NET-IPV6-003", "no answer over IPv6", outcome("tcp6:pod/a@w1>pod/a@w2", "timeout"), PAIR,
        ("pod/a@w1 ({pod/a@w1 ipv6}) > pod/a@w2 at [{pod/a@w2 ipv6}]:7801 tcp: 0 of 3 samples reached",
         "pods reach pods of every other node", "(Kubernetes conformance)"),
        also={
            f"NET-REACH-005 {PAIR}": FAILED, f"NET-NAT-002 {PAIR}": INCONCLUSIVE, f"NET-NAT-003 {PAIR}": INCONCLUSIVE,
            f"NET-REACH-018 {PAIR}": WARNING,
        },
    ),
    on_dual(
        "NET-IPV6-003", "another source arrives over IPv6", reply("tcp6:pod/a@w1>pod/a@w2", peer="{w1 ipv6}"), PAIR,
        ("source seen {w1 ipv6}", "documented: reached, source {pod/a@w1 ipv6} (the client's own address)"),
        also={f"NET-NAT-002 {PAIR}": FAILED},
    ),
    on_dual(
        "NET-IPV6-005", "a name leads to another IPv6 address", message("own-aaaa", answer("2001:db8::1")), "pod/a@w1",
        ("udp-own-aaaa: expected", "found 2001:db8::1"),
    ),
    on_dual(
        "NET-IPV6-006", "an IPv6 endpoint that no EndpointSlice has", _elsewhere, "w1",
        ("w1: IPv6 ClusterIP ports in the rules, against EndpointSlices", "/web [", "]:80/tcp: expected", "[2001:db8::1]:7801"),
    ),
    on_dual(
        "NET-IPV6-006", "pods do not reach Services over IPv6", _without("-A PREROUTING", "KUBE-SERVICES"), "w1",
        ("from pods > ", "found not translated"),
    ),
    on_dual(
        "NET-IPV6-006", "nothing rejects what has no IPv6 endpoints", _without("has no endpoints"), "w1",
        ("/empty [", "]:80/tcp: expected rejected, found let through (no endpoints)"),
    ),
    on_dual(
        "NET-IPV6-006", "a node port is served at ::1", _at_loopback, "w1",
        ("w1: IPv6 node ports and masquerading in the rules", "[::1]:", "expected not translated, found ["),
    ),
    on_dual(
        "NET-IPV6-006", "packets to node ports are not marked", _without("masquerade traffic for", "external destinations"), "w1",
        ("from outside: expected marked, found not marked (mark 0x4000)",),
    ),
    on_dual(
        "NET-IPV6-006", "marked packets keep their source", _without("service traffic requiring SNAT"), "w1",
        ("mark 0x4000: expected masqueraded, found kept",),
    ),
    on_dual(
        "NET-IPV6-007", "no route to a node", json_list("routes", {"dst": "{cidr6 w2}"}, None), "w1",
        (STATE, "route to {cidr6 w2}: expected via {tunnel6 w2} dev flannel-v6.1, found nothing (podCIDR of w2)"),
    ),
    on_dual(
        "NET-IPV6-007", "a neighbour of another MAC", _other_mac(), "w1",
        (STATE, "neighbour {tunnel6 w2}: expected", "found 0a:00:00:00:00:01 PERMANENT (tunnel address of w2)"),
    ),
    on_dual(
        "NET-IPV6-007", "packets go to another node", json_list("fdb", {"dst": "{w2 ipv6}"}, {"dst": "fd00:172:30::99"}), "w1",
        (STATE, "expected to {w2 ipv6} permanent, found to fd00:172:30::99 permanent (VtepMAC of w2, annotation backend-v6-data)"),
    ),
    on_dual(
        "NET-IPV6-007", "no masquerading over IPv6", _no_masquerading, "w1",
        ("what IPv6 rules do to pod traffic", "> outside: expected source masqueraded, found source kept"),
    ),
    on_dual(
        "NET-IPV6-007", "multicast is masqueraded", _multicast, "w1",
        ("multicast ff05::fb: expected source kept, found source masqueraded",),
    ),
    on_dual(
        "NET-IPV6-007", "no rule forwards pods", _not_forwarded, "w1",
        ("expected accepted by a rule, found accepted by the policy only",),
    ),
    on_dual(
        "NET-IPV6-008", "a node port does not answer over IPv6", outcome("tcp6:pod/b@w1>node-port/web@w2", "timeout"),
        "pod/b@w1 > node-port/web@w2 tcp ipv6",
        ("node-port/web@w2 at [{w2 ipv6}]:", "0 of 3 samples reached", "(Kubernetes dual-stack documentation)"), status=WARNING,
    ),
)  # fmt: skip
