"""Rules of a node, edited as a person or another program would edit them."""

from __future__ import annotations

from collections.abc import Iterable

from spoiling import Evidence

from .proof import FAILED, INCONCLUSIVE, WARNING, Edit, Proof, each

JUMP = "-j KUBE-SERVICES"


def deleted(*parts: str, node: str = "w1") -> Edit:
    """The rule that holds these parts is gone."""
    return lambda evidence: evidence.delete_rule(node, *parts)


def inserted(rule: str, *before: str, node: str = "w1") -> Edit:
    """A rule more, before the one that holds these parts."""
    return lambda evidence: evidence.rule_before(node, rule, *before)


def changed(old: str, new: str, *parts: str, node: str = "w1") -> Edit:
    """A rule reads differently."""

    def edit(line: str, instead: str) -> Iterable[str]:
        assert old in line, line
        return [line.replace(old, instead)]

    return lambda evidence: evidence.edit_rule(node, lambda line: edit(line, evidence.filled(new)), *parts)


def docker_policy(evidence: Evidence) -> None:
    """Docker sets this policy when it turns forwarding on by itself (moby/moby#28257)."""
    head = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD "
    evidence.replace("w1", "iptables", f"{head}ACCEPT", f"{head}DROP")


MASQUERADE = (
    Proof(
        "NET-NAT-008",
        "one node's subnet is masqueraded instead of the network",
        changed("-s 10.244.0.0/16", "-s {cidr w1}", "-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4"),
        red=("w1",),
        text=(
            "w1: source of pod traffic that leaves the pod network (nat POSTROUTING)",
            "of w2 > outside: expected masqueraded, found kept",
            "(last matching nat rule: nft nat POSTROUTING rule 2:",
        ),
        also={"NET-FLANNEL-020 w1": FAILED},
    ),
    Proof(
        "NET-NAT-009",
        "pod to pod traffic is masqueraded before flannel spares it",
        inserted("-A POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE", "-A POSTROUTING", "-j FLANNEL-POSTRTG"),
        red=("w1",),
        text=(
            "w1: source of traffic between pods (nat POSTROUTING)",
            "of w2: expected kept, found masqueraded (nft nat POSTROUTING rule 2:",
            "-s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE",
        ),
        also={"NET-FLANNEL-020 w1": FAILED},
    ),
    Proof(
        "NET-NAT-009",
        "a catch-all masquerade rule stands before flannel's",
        inserted("-A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE", "-A POSTROUTING", "-j FLANNEL-POSTRTG"),
        red=("w1",),
        text=("expected kept, found masqueraded", "-s 10.244.0.0/16 -j MASQUERADE"),
        also={"NET-FLANNEL-020 w1": FAILED, "NET-NAT-008 w1": FAILED, "NET-NAT-011 w1": WARNING},
    ),
    Proof(
        "NET-FLANNEL-020",
        "packets from outside to own pods are masqueraded",
        deleted("-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d {cidr w1}", "-j RETURN"),
        red=("w1",),
        text=(
            "w1: source of traffic from and to the pod network (nat POSTROUTING)",
            "outside > pod {254 w1}: expected kept, found masqueraded",
            "-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.0.0/16",
        ),
    ),
)

FORWARD = (
    Proof(
        "NET-FLANNEL-021",
        "flannel's accept rules hang on nothing",
        deleted("-A FORWARD", "-j FLANNEL-FWD"),
        red=("w1",),
        text=("w1: filter FORWARD (nft policy ACCEPT)", "expected accepted by a rule, found accepted by the policy only"),
    ),
    Proof(
        "NET-NODE-007",
        "a rule of somebody else drops packets to one node",
        inserted("-A FORWARD -s {cidr w1} -d {cidr w2} -j DROP", ":KUBE-IPTABLES-HINT - [0:0]"),
        red=("w1",),
        text=(
            "w1: pod traffic through the FORWARD hook",
            "of w2: expected accepted, found drop (nft mangle FORWARD rule 1:",
            "-s {cidr w1} -d {cidr w2} -j DROP",
        ),
        also={"NET-NAT-009 w1": INCONCLUSIVE, "NET-FLANNEL-020 w1": INCONCLUSIVE},  # a packet that is dropped has no source to judge
    ),
    Proof(
        "NET-NODE-007",
        "docker's policy without flannel's rules",
        each(
            docker_policy,
            deleted("-A FORWARD", "-j FLANNEL-FWD"),
        ),
        red=("w1",),
        text=("expected accepted, found drop (nft filter FORWARD policy DROP)",),
        also={"NET-FLANNEL-021 w1": FAILED},
    ),
)

SERVICES = (
    Proof(
        "NET-PROXY-007",
        "processes of the node are not translated",
        deleted("-A OUTPUT -m comment", JUMP),
        red=("w1",),
        text=(
            "w1: Service packets",
            "from the node, by nat OUTPUT: expected",
            "found 0 of",
            "ClusterIP ports translated",
            "last rule: no rule matches",
        ),
    ),
    Proof(
        "NET-PROXY-007",
        "pods are not translated",
        deleted("-A PREROUTING", JUMP),
        red=("w1",),
        text=("from pods, by nat PREROUTING: expected", "found 0 of"),
        also={"NET-PROXY-010 w1": FAILED, "NET-PROXY-016 w1": INCONCLUSIVE},
    ),
    Proof(
        "NET-PROXY-008",
        "marked packets are not masqueraded",
        deleted("-A POSTROUTING", "-j KUBE-POSTROUTING"),
        red=("w1",),
        text=("w1: marked packets in nat POSTROUTING", "mark 0x4000: expected masqueraded, found kept"),
        also={"NET-PROXY-011 w1": FAILED},
    ),
    Proof(
        "NET-PROXY-010",
        "another bit is set",
        changed("0x4000/0x4000", "0x8000/0x8000", "-A KUBE-MARK-MASQ"),
        red=("w1",),
        text=(
            "w1: packets to be marked 0x4000",
            "endpoints > themselves: expected marked, found not marked",
            "outside the pod network > ClusterIP ports: expected marked, found not marked",
            "outside > node port",
        ),
        also={"NET-PROXY-020 w1": FAILED, "NET-PROXY-021 w1": WARNING},
    ),
    Proof(
        "NET-PROXY-010",
        "packets to a node port are not marked",
        deleted("-A KUBE-EXT-", "/web:tcp external destinations", "-j KUBE-MARK-MASQ"),
        red=("w1",),
        text=("outside > node port", "/web: expected marked, found not marked"),
    ),
    Proof(
        "NET-PROXY-011",
        "the mark stays",
        deleted("-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0"),
        red=("w1",),
        text=("w1: marked and unmarked packets in nat POSTROUTING", "mark afterwards: expected taken away, found left"),
    ),
    Proof(
        "NET-PROXY-011",
        "everything is masqueraded",
        deleted("-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000", "-j RETURN"),
        red=("w1",),
        text=("unmarked: expected kept, found masqueraded (nft nat KUBE-POSTROUTING rule",),
        also={"NET-NAT-008 w1": FAILED, "NET-NAT-009 w1": FAILED, "NET-FLANNEL-020 w1": FAILED},
    ),
    Proof(
        "NET-PROXY-017",
        "a Service port leads nowhere",
        deleted("-A KUBE-SERVICES", "/web:udp cluster IP"),
        red=("w1",),
        text=(
            "w1: ClusterIP ports in the rules, against Services",
            "/web 10.96.",
            ":80/udp: expected sent to endpoints, found not translated",
        ),
        also={"NET-PROXY-018 w1": FAILED},
    ),
)

ENDPOINTS = (
    Proof(
        "NET-PROXY-018",
        "one endpoint is missing",
        deleted("web:tcp -> {pod/a@w2}:7801"),
        red=("w1",),
        text=(
            "w1: endpoints in the rules, against EndpointSlices",
            "/web 10.96.",
            "expected",
            "{pod/a@w2}:7801",
            "found",
        ),
        also={"NET-PROXY-019 w1": WARNING},  # what was its share goes to another one
    ),
    Proof(
        "NET-PROXY-018",
        "packets are sent to an endpoint that is no longer there",
        inserted(
            "-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m udp --dport 53 -m statistic --mode random --probability 0.3333333333"
            " -j DNAT --to-destination 10.244.9.9:53",
            "-A KUBE-SERVICES",
            "kube-dns:dns cluster IP",
        ),
        red=("w1",),
        text=("kube-system/kube-dns 10.96.0.10:53/udp: expected 10.244.", ", 10.244.9.9:53 ("),
        also={"NET-PROXY-021 w1": WARNING},  # packets to it are not marked, whoever sends them
    ),
    Proof(
        "NET-PROXY-019",
        "one endpoint gets too much",
        changed("--probability 0.50000000000", "--probability 0.90000000000", "kube-system/kube-dns:dns ->", "--probability"),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: shares of the endpoints (probabilities of the rules)",
            "kube-system/kube-dns 10.96.0.10:53/udp: expected 0.50000 each, found 10.244.",
            ":53 0.90000, 10.244.",
            ":53 0.10000",
        ),
    ),
    Proof(
        "NET-PROXY-020",
        "an endpoint's packets to itself are not marked",
        deleted("-A KUBE-SEP-", "-s {pod/a@w2}/32", "/web:tcp"),
        red=("w1",),
        text=(
            "w1: hairpin packets, mark 0x4000",
            "endpoint {pod/a@w2}:7801 > itself by ",
            ":80/tcp: expected marked, found not marked",
        ),
    ),
    Proof(
        "NET-PROXY-021",
        "senders outside are taken for pods",
        changed("! -s 10.244.0.0/16", "! -s 0.0.0.0/0", "-A KUBE-SVC-", "kube-dns:metrics cluster IP"),
        red=("w1",),
        status=WARNING,
        text=(
            "w1: packets from outside clusterCIDR 10.244.0.0/16, mark 0x4000",
            "outside 198.51.100.7 > kube-system/kube-dns 10.96.0.10:9153/tcp: expected marked, found not marked",
        ),
    ),
    Proof(
        "NET-PROXY-021",
        "pods are taken for outside",
        changed("! -s 10.244.0.0/16", "! -s 10.99.0.0/16", "-A KUBE-SVC-", "kube-dns:metrics cluster IP"),
        red=("w1",),
        status=WARNING,
        text=("> kube-system/kube-dns 10.96.0.10:9153/tcp: expected not marked, found marked",),
    ),
    Proof(
        "NET-PROXY-022",
        "packets to a Service without endpoints are let through",
        deleted("/empty:tcp has no endpoints"),
        red=("w1",),
        text=(
            "w1: ClusterIP ports without endpoints",
            "/empty 10.96.",
            ":80/tcp: expected rejected, found let through",
            "pod 10.244.",
            "the node > ",
        ),
    ),
    Proof(
        "NET-PROXY-022",
        "packets to a Service without endpoints are dropped in silence",
        changed("-j REJECT --reject-with icmp-port-unreachable", "-j DROP", "/empty:udp has no endpoints"),
        red=("w1",),
        text=(":80/udp: expected rejected, found dropped (nft filter KUBE-SERVICES rule",),
    ),
)

PROOFS = (*MASQUERADE, *FORWARD, *SERVICES, *ENDPOINTS)
