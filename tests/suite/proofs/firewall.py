"""Firewalls of a node: rules that stop what the cluster sends to the node itself, chains of others, and rules in both variants."""

from __future__ import annotations

from typing import Any

from spoiling import Evidence

from .proof import FAILED, INCONCLUSIVE, WARNING, Edit, Proof
from .rules import inserted


def foreign_chain(hook: str) -> Edit:
    """`nft add chain inet fw all { type filter hook HOOK priority -5; policy drop; }`."""
    table = {"table": {"family": "inet", "name": "fw", "handle": 90}}
    chain = {"family": "inet", "table": "fw", "name": "all", "handle": 1, "type": "filter", "hook": hook, "prio": -5, "policy": "drop"}

    def change(body: Any) -> None:
        body["nftables"] += [table, {"chain": chain}]

    return lambda evidence: evidence.json_fact("w1", "nft", change)


def raw_table(rule: str) -> Edit:
    """A rule in table raw, which the dump does not hold yet."""

    def edit(evidence: Evidence) -> None:
        lines = ("*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", f"[0:0] {rule}", "COMMIT", "")
        evidence.fact("w1", "iptables", lambda text: text + "\n".join(lines))

    return edit


def legacy_filter(evidence: Evidence) -> None:
    """Somebody used iptables-legacy on this node."""
    rule = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -d 192.0.2.1/32 -j ACCEPT\nCOMMIT\n"
    evidence.fact("w1", "legacy-tables", lambda _text: "filter\n")
    seen = evidence.facts("w1", "iptables")[-1]
    source = "iptables-legacy-save -c -t filter"
    evidence.recording.append("facts", {**seen, "name": "iptables-legacy/filter", "source": source, "text": rule})


INPUT = "-A INPUT -m conntrack --ctstate NEW", "KUBE-PROXY-FIREWALL"

PROOFS = (
    Proof(
        "NET-NODE-006",
        "a rule in the other variant",
        legacy_filter,
        red=("w1",),
        text=("w1: variants of iptables that hold rules", "rules: expected nft, found nft legacy (nft: ", "legacy: 1 rules)"),
    ),
    Proof(
        "NET-NODE-011",
        "the tunnel's port is closed",
        inserted("-A INPUT -p udp -m udp --dport 8472 -j DROP", *INPUT),
        red=("w1",),
        text=(
            "w1: traffic for the node itself (rules at PREROUTING and INPUT)",
            "udp 8472 (vxlan tunnel) from node w2 {w2}: expected accepted, found drop (nft filter INPUT rule 1:",
            "--dport 8472 -j DROP",
        ),
    ),
    Proof(
        "NET-NODE-011",
        "the API server refuses pods",
        inserted(
            "-A INPUT -s 10.244.0.0/16 -p tcp -m tcp --dport 6443 -j REJECT --reject-with icmp-port-unreachable", *INPUT, node="control"
        ),
        red=("control",),
        text=("tcp 6443 (API server) from pod", "of this node: expected accepted, found reject (nft filter INPUT rule 1:"),
    ),
    Proof(
        "NET-NODE-011",
        "node ports are closed before their destination is turned",
        raw_table("-A PREROUTING -i eth0 -p tcp -m tcp --dport 30000:32767 -j DROP"),
        red=("w1",),
        text=("tcp 30000 (NodePort) from outside 198.51.100.7: expected accepted, found drop (nft raw PREROUTING rule 1:",),
    ),
    Proof(
        "NET-NODE-011",
        "kubelet cannot be asked from other nodes",
        inserted("-A INPUT -s {w2} -p tcp -m tcp --dport 10250 -j DROP", *INPUT),
        red=("w1",),
        text=("tcp 10250 (kubelet) from node w2 {w2}: expected accepted, found drop",),
    ),
    Proof(
        "NET-NODE-016",
        "a chain of somebody else drops what is forwarded",
        foreign_chain("forward"),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: pod traffic through nftables chains of others: inet fw all (hook forward, policy drop)",
            "of w2: expected accepted, found drop (native inet fw all (hook forward) policy drop)",
        ),
        # a packet that is dropped has no source to judge
        also={"NET-NODE-007 w1": FAILED, "NET-PROXY-022 w1": FAILED}
        | {f"{id} w1": INCONCLUSIVE for id in ("NET-NAT-008", "NET-NAT-009", "NET-NAT-011", "NET-FLANNEL-020")},
    ),
    Proof(
        "NET-NODE-016",
        "a chain of somebody else drops what is for the node",
        foreign_chain("input"),
        red=("w1",),
        status=WARNING,
        text=("tcp 10250 (kubelet) from pod", "expected accepted, found drop (native inet fw all (hook input) policy drop)"),
        also={"NET-NODE-011 w1": FAILED},
    ),
)
