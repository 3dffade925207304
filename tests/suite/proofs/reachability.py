"""Cells that are not reached, in each of the ways in which agents tell that."""

from __future__ import annotations

from .proof import FAILED, INCONCLUSIVE, WARNING, Proof, outcome, reply

MODEL, CONFORMANCE = "(Kubernetes network model)", "(Kubernetes conformance)"
TIMEOUTS = "0 of 3 samples reached, 3 timeout"

PROOFS = (
    Proof(
        "NET-REACH-001",
        "another container of the pod refuses",
        outcome("tcp4:pod/a@w1>loopback@w1", "refused"),
        red=("pod/a@w1 > loopback@w1 tcp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > loopback@w1 at 127.0.0.1:7802 tcp: 0 of 3 samples reached, 3 refused",
            "documented: reached - containers of one pod share one network namespace",
            MODEL,
        ),
    ),
    Proof(
        "NET-REACH-002",
        "a pod does not reach itself",
        outcome("tcp4:pod/a@w1>pod/a@w1", "timeout", 2.0),
        red=("pod/a@w1 > pod/a@w1 tcp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w1 at {pod/a@w1}:7801 tcp",
            f"{TIMEOUTS} (2.00 s)",
            "documented: reached - a pod reaches its own pod IP",
            MODEL,
        ),
    ),
    Proof(
        "NET-REACH-003",
        "somebody else answers",
        reply("tcp4:pod/a@w1>pod/b@w1", server="pod/a@w2"),
        red=("pod/a@w1 > pod/b@w1 tcp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/b@w1 at {pod/b@w1}:7801 tcp",
            "0 of 3 samples reached, 3 wrong-peer: pod/a@w2 answered",
            "documented: reached - pods of one node reach each other at their pod IPs",
            CONFORMANCE,
        ),
        also={"NET-NAT-001 pod/a@w1 > pod/b@w1 tcp": INCONCLUSIVE, "NET-NAT-003 pod/a@w1 > pod/b@w1 tcp": INCONCLUSIVE},
    ),
    Proof(
        "NET-REACH-004",
        "datagrams within a node get lost",
        outcome("udp4:pod/b@w1>pod/a@w1", "timeout"),
        red=("pod/b@w1 > pod/a@w1 udp",),
        text=(
            "pod/b@w1 ({pod/b@w1}) > pod/a@w1 at {pod/a@w1}:7801 udp",
            TIMEOUTS,
            "pods of one node reach each other at their pod IPs",
            CONFORMANCE,
        ),
    ),
    Proof(
        "NET-REACH-005",
        "one direction between two nodes",
        outcome("tcp4:pod/a@w1>pod/a@w2", "timeout", 2.0),
        red=("pod/a@w1 > pod/a@w2 tcp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}:7801 tcp",
            f"{TIMEOUTS} (2.00 s)",
            "pods reach pods of every other node at their pod IPs",
            CONFORMANCE,
        ),
        also={
            "NET-NAT-002 pod/a@w1 > pod/a@w2 tcp": INCONCLUSIVE,
            "NET-NAT-003 pod/a@w1 > pod/a@w2 tcp": INCONCLUSIVE,
            "NET-REACH-018 pod/a@w1 > pod/a@w2 tcp": WARNING,
        },
    ),
    Proof(
        "NET-REACH-006",
        "a firewall on the way prohibits",
        outcome("udp4:pod/a@w1>pod/a@w2", "prohibited", icmp_from="192.0.2.1"),
        red=("pod/a@w1 > pod/a@w2 udp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}:7801 udp",
            "0 of 3 samples reached, 3 prohibited from 192.0.2.1",
            "pods reach pods of every other node at their pod IPs",
        ),
        also={
            "NET-NAT-002 pod/a@w1 > pod/a@w2 udp": INCONCLUSIVE,
            "NET-NAT-003 pod/a@w1 > pod/a@w2 udp": INCONCLUSIVE,
            "NET-REACH-018 pod/a@w1 > pod/a@w2 udp": WARNING,
        },
    ),
    Proof(
        "NET-REACH-007",
        "no echo within a node",
        outcome("icmp4:pod/a@w1>pod/b@w1", "timeout"),
        red=("pod/a@w1 > pod/b@w1 icmp",),
        status=WARNING,
        text=("pod/a@w1 ({pod/a@w1}) > pod/b@w1 at {pod/b@w1}", "icmp", TIMEOUTS, "an echo between pods of one node is answered", MODEL),
        also={"NET-PATH-001 pod/a@w1 > pod/b@w1 icmp": INCONCLUSIVE},
    ),
    Proof(
        "NET-REACH-008",
        "a router between two nodes knows no way",
        outcome("icmp4:pod/a@w1>pod/a@w2", "host-unreachable", icmp_from="192.0.2.1"),
        red=("pod/a@w1 > pod/a@w2 icmp",),
        status=WARNING,
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}",
            "3 host-unreachable from 192.0.2.1",
            "an echo between pods of two nodes is answered",
            MODEL,
        ),
        also={"NET-PATH-002 pod/a@w1 > pod/a@w2 icmp": INCONCLUSIVE, "NET-REACH-018 pod/a@w1 > pod/a@w2 icmp": WARNING},
    ),
    Proof(
        "NET-REACH-009",
        "a node does not reach its own pod",
        outcome("udp4:host@w1>pod/b@w1", "timeout"),
        red=("host@w1 > pod/b@w1 udp",),
        text=("host@w1 ({w1}) > pod/b@w1 at {pod/b@w1}:7801 udp", TIMEOUTS, "agents on a node reach all pods of that node", MODEL),
    ),
    Proof(
        "NET-REACH-010",
        "a node does not reach a pod of another",
        outcome("tcp4:host@w1>pod/a@w2", "timeout"),
        red=("host@w1 > pod/a@w2 tcp",),
        text=(
            "host@w1 ({w1}) > pod/a@w2 at {pod/a@w2}:7801 tcp",
            TIMEOUTS,
            "a hostNetwork pod reaches pods of every other node",
            CONFORMANCE,
        ),
        also={"NET-NAT-005 host@w1 > pod/a@w2 tcp": INCONCLUSIVE},
    ),
    Proof(
        "NET-REACH-011",
        "a node's datagrams do not reach a pod of another",
        outcome("udp4:host@w1>pod/a@w2", "refused"),
        red=("host@w1 > pod/a@w2 udp",),
        text=("host@w1 ({w1}) > pod/a@w2 at {pod/a@w2}:7801 udp", "3 refused", "a hostNetwork pod reaches pods of every other node"),
    ),
    Proof(
        "NET-REACH-012",
        "a pod does not reach its own node",
        outcome("tcp4:pod/a@w1>host@w1", "timeout"),
        red=("pod/a@w1 > host@w1 tcp",),
        text=("pod/a@w1 ({pod/a@w1}) > host@w1 at {w1}:", TIMEOUTS, "a pod reaches hostNetwork pods of its own node", MODEL),
        also={"NET-NAT-006 pod/a@w1 > host@w1 tcp": INCONCLUSIVE},
    ),
    Proof(
        "NET-REACH-013",
        "a pod does not reach another node",
        outcome("tcp4:pod/a@w1>host@w2", "timeout"),
        red=("pod/a@w1 > host@w2 tcp",),
        text=("pod/a@w1 ({pod/a@w1}) > host@w2 at {w2}:", TIMEOUTS, "a pod reaches hostNetwork pods of every other node", MODEL),
        also={"NET-NAT-007 pod/a@w1 > host@w2 tcp": INCONCLUSIVE},
    ),
    Proof(
        "NET-REACH-014",
        "nodes do not reach each other over UDP",
        outcome("udp4:host@w1>host@w2", "timeout"),
        red=("host@w1 > host@w2 udp",),
        text=("host@w1 ({w1}) > host@w2 at {w2}:", "udp", TIMEOUTS, "nodes reach each other over UDP, which carries the tunnel", MODEL),
    ),
    Proof(
        "NET-REACH-015",
        "the API server's Service speaks no TLS",
        outcome("tls4:pod/a@w1>api/service", "tls-error"),
        red=("pod/a@w1 > api/service tls",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > api/service at 10.96.0.1:443 tls: 0 of 3 samples reached, 3 tls-error",
            "a pod completes a TLS handshake with the Service kubernetes and with each of its endpoints",
            CONFORMANCE,
        ),
    ),
    Proof(
        "NET-REACH-018",
        "the way back between two nodes fails",
        outcome("tcp4:pod/a@w2>pod/a@w1", "timeout", 2.0),
        red=("pod/a@w1 > pod/a@w2 tcp",),
        status=WARNING,
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}:7801 tcp: 3 of 3 samples reached, the way back 0 of 3, 3 timeout (2.00 s)",
            "documented: reached, both ways alike - if one pod reaches another, that one reaches it too",
            MODEL,
        ),
        also={
            "NET-REACH-005 pod/a@w2 > pod/a@w1 tcp": FAILED,
            "NET-NAT-002 pod/a@w2 > pod/a@w1 tcp": INCONCLUSIVE,
            "NET-NAT-003 pod/a@w2 > pod/a@w1 tcp": INCONCLUSIVE,
        },
    ),
    Proof(
        "NET-REACH-019",
        "a pod does not reach the declared target",
        outcome("tcp4:pod/a@w1>outside/tcp:*", "timeout"),
        red=("pod/a@w1 > outside/tcp://198.51.100.10:80 tcp",),
        status=WARNING,
        text=(
            "pod/a@w1 ({pod/a@w1}) > outside/tcp://198.51.100.10:80 at 198.51.100.10:80 tcp",
            TIMEOUTS,
            "a pod reaches a declared target outside the cluster",
            "(the operator's declared target)",
        ),
        also={"NET-EXTERNAL-004 pod/a@w1 > outside/tcp://198.51.100.10:80 tcp": FAILED},
    ),
)
