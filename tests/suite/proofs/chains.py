"""kube-proxy's and kubelet's chains beside the Services', marks, and health endpoints."""

from __future__ import annotations

from typing import Any

from spoiling import Evidence

from .nodes import fact
from .proof import FAILED, WARNING, Edit, Proof
from .rules import changed, deleted, inserted


def answer(name: str, code: int | None, error: str, node: str = "w1") -> Edit:
    """A health endpoint answers otherwise, or nobody listens there."""

    def edit(evidence: Evidence) -> None:
        (found,) = evidence.facts(node, name)
        found.update(ok=False, code=code, text="", error=error)

    return edit


def text(name: str, old: str, new: str, node: str = "w1") -> Edit:
    """A part of a dump that occurs once reads differently."""

    def edit(evidence: Evidence) -> None:
        assert [found["text"].count(old) for found in evidence.facts(node, name)] == [1]
        evidence.replace(node, name, old, new)

    return edit


def everywhere(old: str, new: str, node: str = "w1") -> Edit:
    """A part of a dump reads differently wherever it stands."""
    return lambda evidence: evidence.replace(node, "iptables", old, new)


def after(rule: str, *parts: str, node: str = "w1") -> Edit:
    """A rule more, behind the one that holds these parts."""
    return lambda evidence: evidence.edit_rule(node, lambda line: [line, f"[0:0] {rule}"], *parts)


def device(name: str, node: str = "w1") -> Edit:
    """A device more."""

    def edit(evidence: Evidence) -> None:
        def added(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [*links, {**links[0], "ifname": name, "ifindex": 99}]

        evidence.json_fact(node, "links", added)

    return edit


LOCALNET = "block incoming localnet connections"

HEALTH = (
    Proof(
        "NET-PROXY-003",
        "kube-proxy says that it is not healthy",
        answer("proxy-healthz", 503, "HTTP 503 Service Unavailable"),
        red=("w1",),
        status=WARNING,
        text=("w1: kube-proxy's health endpoint", "http://127.0.0.1:10256/healthz: expected 200, found 503 (HTTP 503 Service Unavailable)"),
    ),
    Proof(
        "NET-PROXY-003",
        "nobody listens",
        answer("proxy-healthz", None, "Connection refused"),
        red=("w1",),
        status=WARNING,
        text=("http://127.0.0.1:10256/healthz: expected 200, found connection refused",),
    ),
    Proof(
        "NET-FLANNEL-026",
        "flannel is not ready",
        answer("flannel-readyz", 503, "HTTP 503 Service Unavailable"),
        red=("w1",),
        status=WARNING,
        text=("w1: flannel's health endpoints", "http://127.0.0.1:8081/readyz: expected 200, found 503"),
    ),
)

MODES = (
    Proof(
        "NET-PROXY-004",
        "mode ipvs left its device behind",
        device("kube-ipvs0"),
        red=("w1",),
        status=WARNING,
        text=("w1: leftovers of other modes (kube-proxy runs in mode iptables)", "device of mode ipvs: expected none, found kube-ipvs0"),
        also={"NET-PROXY-002 w1": FAILED},
    ),
    Proof(
        "NET-PROXY-004",
        "mode nftables left its table behind",
        lambda evidence: evidence.json_fact(
            "w1", "nft", lambda dump: dump["nftables"].append({"table": {"family": "ip", "name": "kube-proxy", "handle": 9999}})
        ),
        red=("w1",),
        status=WARNING,
        text=("nftables tables of mode nftables: expected none, found ip kube-proxy",),
        also={"NET-PROXY-002 w1": FAILED},
    ),
)

CHAINS = (
    Proof(
        "NET-PROXY-009",
        "a jump is missing whose chain has nothing to say",
        deleted("-A INPUT", "kubernetes health check service ports"),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: jumps of filter to kube-proxy's chains, for ctstate (kube-proxy 1.",
            "INPUT > KUBE-NODEPORTS: expected any, found nothing",
        ),
    ),
    Proof(
        "NET-PROXY-009",
        "a jump of an older version is left",
        inserted("-A INPUT -m conntrack --ctstate NEW -j KUBE-SERVICES", "-A INPUT -j KUBE-FIREWALL"),
        red=("w1",),
        status=WARNING,
        text=("INPUT > KUBE-SERVICES: expected nothing, found NEW (-A INPUT -m conntrack --ctstate NEW -j KUBE-SERVICES)",),
    ),
    Proof(
        "NET-PROXY-012",
        "answers hang on the policy",
        deleted("-A KUBE-FORWARD", "RELATED,ESTABLISHED"),
        red=("w1",),
        text=(
            "w1: packets that KUBE-FORWARD is for (filter FORWARD)",
            "outside > outside, ESTABLISHED: expected accepted by a rule, found accepted by the policy only (no rule decides)",
        ),
    ),
    Proof(
        "NET-PROXY-012",
        "packets out of nowhere pass",
        deleted("-A KUBE-FORWARD", "--ctstate INVALID"),
        red=("w1",),
        text=("INVALID: expected dropped, found accepted by a rule (nft filter FLANNEL-FWD rule",),
    ),
    Proof(
        "NET-PROXY-012",
        "nothing jumps to KUBE-FORWARD",
        deleted("-A FORWARD", "-j KUBE-FORWARD"),
        red=("w1",),
        text=("outside > outside, mark 0x4000: expected accepted by a rule, found accepted by the policy only",),
        also={"NET-PROXY-009 w1": WARNING},
    ),
    Proof(
        "NET-PROXY-013",
        "a chain of an older kubelet is left",
        text("iptables", ":KUBE-MARK-MASQ - [0:0]", ":KUBE-MARK-DROP - [0:0]\n:KUBE-MARK-MASQ - [0:0]"),
        red=("w1",),
        status=WARNING,
        text=("w1: chain nat KUBE-MARK-DROP (kubelet 1.", "KUBE-MARK-DROP: expected absent, found does not set 0x8000"),
    ),
    Proof(
        "NET-PROXY-014",
        "the link reaches the node's loopback",
        deleted("-A KUBE-FIREWALL", LOCALNET),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: packets that KUBE-FIREWALL is for (filter INPUT and OUTPUT)",
            "outside > 127.0.0.1: expected dropped, found accepted by the policy only",
        ),
        also={"NET-NODE-015 w1": WARNING},
    ),
    Proof(
        "NET-PROXY-014",
        "translated packets are dropped too",
        changed("RELATED,ESTABLISHED,DNAT", "RELATED,ESTABLISHED", LOCALNET),
        red=("w1",),
        status=WARNING,
        text=("outside > 127.0.0.1, translated: expected not dropped, found dropped (nft filter KUBE-FIREWALL rule 1:",),
    ),
    Proof(
        "NET-PROXY-015",
        "a canary is gone",
        text("iptables", ":KUBE-PROXY-CANARY - [0:0]\nCOMMIT", "COMMIT"),
        red=("w1",),
        status=WARNING,
        text=("w1: canary and hint chains (kubelet 1.", "KUBE-PROXY-CANARY in mangle: expected empty, found missing"),
    ),
    Proof(
        "NET-PROXY-016",
        "rules follow the one for node ports",
        after("-A KUBE-SERVICES -d 10.96.200.200/32 -j RETURN", "-A KUBE-SERVICES", "--dst-type LOCAL"),
        red=("w1",),
        text=(
            "w1: where nat catches packets to node ports",
            "node port 3",
            "/web: expected by the last rule of its chain, found before 1 other rules (nft nat KUBE-SERVICES rule",
        ),
    ),
    Proof(
        "NET-PROXY-016",
        "node ports do not answer on loopback",
        changed("-m addrtype", "! -d 127.0.0.0/8 -m addrtype", "-A KUBE-SERVICES", "--dst-type LOCAL"),
        red=("w1",),
        text=("127.0.0.1:3", "/tcp: expected translated, found not translated"),
    ),
    Proof(
        "NET-PROXY-023",
        "chains are named as in 1.23",
        everywhere("KUBE-EXT-", "KUBE-XLB-"),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: chains of packets to Services from outside (kube-proxy 1.",
            "/web: expected KUBE-EXT KUBE-SVC, found KUBE-XLB KUBE-SVC",
        ),
    ),
)

MARKS = (
    Proof(
        "NET-NAT-010",
        "somebody else sets the mark of Services",
        inserted("-A PREROUTING -i eth9 -j MARK --set-xmark 0x4000/0x4000", "-A PREROUTING", "-j KUBE-SERVICES"),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: rules outside known chains that touch bits of the mark",
            "bit 0x4000 (services): expected nobody else, found chain PREROUTING of nft nat"
            " (rule 1: -A PREROUTING -i eth9 -j MARK --set-xmark 0x4000/0x4000)",
        ),
    ),
    Proof(
        "NET-NAT-011",
        "kube-proxy's ports are not random",
        changed(" --random-fully", "", "-A KUBE-POSTROUTING", "-j MASQUERADE"),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: how masquerading chooses ports",
            "mark 0x4000: expected random-fully, found without --random-fully (nft nat KUBE-POSTROUTING rule 3:",
        ),
    ),
    Proof(
        "NET-NAT-011",
        "flannel's ports are not random",
        changed(" --random-fully", "", "-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4"),
        red=("w1",),
        status=WARNING,
        text=("> outside: expected random-fully, found without --random-fully (nft nat FLANNEL-POSTRTG rule",),
    ),
    Proof(
        "NET-NODE-015",
        "packets to loopback are not routed",
        fact("route-localnet", "1", "0"),
        red=("w1",),
        status=WARNING,
        text=("w1: node ports on 127.0.0.1", "net.ipv4.conf.all.route_localnet: expected 1, found 0"),
    ),
)

PROOFS = (*HEALTH, *MODES, *CHAINS, *MARKS)
