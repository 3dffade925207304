"""Properties of cells that are reached: addresses at both ends, way, packet size."""

from __future__ import annotations

from spoiling import Evidence

from .proof import INCONCLUSIVE, WARNING, Edit, Proof, answered, each, outcome, reply

MODEL, SERVICES = "(Kubernetes network model)", "(Kubernetes Service documentation)"
MASQUERADE = "(flannel masquerade rules)"


def routers(id: str, *hops: str) -> Edit:
    """A trace sees other routers."""

    def edit(evidence: Evidence) -> None:
        evidence.samples(id, lambda sample: sample["detail"].update(hops=[evidence.filled(hop) for hop in hops]))

    return edit


NAT = (
    Proof(
        "NET-NAT-001",
        "the bridge's address arrives within a node",
        reply("tcp4:pod/a@w1>pod/b@w1", peer="192.0.2.9"),
        red=("pod/a@w1 > pod/b@w1 tcp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/b@w1 at {pod/b@w1}:7801 tcp: 3 of 3 samples reached, source seen 192.0.2.9",
            "documented: reached, source {pod/a@w1} (the client's own address) - no address translation between pods",
            MODEL,
        ),
    ),
    Proof(
        "NET-NAT-002",
        "datagrams between nodes are masqueraded",
        reply("udp4:pod/a@w1>pod/a@w2", peer="{w1}"),
        red=("pod/a@w1 > pod/a@w2 udp",),
        text=("pod/a@w1 ({pod/a@w1}) > pod/a@w2", "source seen {w1}", "source {pod/a@w1} (the client's own address)", MODEL),
    ),
    Proof(
        "NET-NAT-003",
        "a pod's conversations are redirected to another address",
        reply("tcp4:pod/a@w1>pod/a@w2", local="192.0.2.7"),
        red=("pod/a@w1 > pod/a@w2 tcp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}:7801 tcp: 3 of 3 samples reached, arrived at 192.0.2.7",
            "documented: reached, at {pod/a@w2} - no address translation between pods",
            MODEL,
        ),
    ),
    Proof(
        "NET-NAT-003",
        "a pod's datagrams are redirected to another address",
        reply("udp4:pod/a@w1>pod/a@w2", local="192.0.2.7"),
        red=("pod/a@w1 > pod/a@w2 udp",),
        text=(
            "udp: 3 of 3 samples reached, arrived at 192.0.2.7",
            "at {pod/a@w2} - no address translation between pods",
            MODEL,
        ),
    ),
    Proof(
        "NET-NAT-004",
        "a node's packet to its own pod carries the node's address",
        reply("tcp4:host@w1>pod/b@w1", peer="{w1}"),
        red=("host@w1 > pod/b@w1 tcp",),
        status=WARNING,
        text=(
            "host@w1 ({w1}) > pod/b@w1",
            "source seen {w1}",
            "source {1 w1} (its node's bridge address)",
            "leaves by cni0",
            "(bridge plugin",
        ),
    ),
    Proof(
        "NET-NAT-005",
        "a node's packet to a remote pod carries the node's address",
        reply("tcp4:host@w1>pod/a@w2", peer="{w1}"),
        red=("host@w1 > pod/a@w2 tcp",),
        status=WARNING,
        text=(
            "host@w1 ({w1}) > pod/a@w2",
            "source seen {w1}",
            "(its node's tunnel address)",
            "leaves by flannel.1",
            "(flannel vxlan device)",
        ),
    ),
    Proof(
        "NET-NAT-006",
        "a pod is masqueraded towards its own node",
        reply("tcp4:pod/a@w1>host@w1", peer="{w1}"),
        red=("pod/a@w1 > host@w1 tcp",),
        status=WARNING,
        text=("pod/a@w1 ({pod/a@w1}) > host@w1", "source seen {w1}", "source {pod/a@w1} (the client's own address)", MASQUERADE),
    ),
    Proof(
        "NET-NAT-007",
        "a pod is not masqueraded towards another node",
        reply("tcp4:pod/a@w1>host@w2", peer="{pod/a@w1}"),
        red=("pod/a@w1 > host@w2 tcp",),
        text=("pod/a@w1 ({pod/a@w1}) > host@w2", "source seen {pod/a@w1}", "source {w1} (its node's address)", MASQUERADE),
    ),
)

PATH = (
    Proof(
        "NET-PATH-001",
        "a router within a node",
        reply("icmp4:pod/a@w1>pod/b@w1", ttl=63),
        red=("pod/a@w1 > pod/b@w1 icmp",),
        status=WARNING,
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/b@w1",
            "TTL 63;",
            "TTL 64 - no router lies between pods of one bridge",
            "(Linux initial TTL 64 and",
        ),
    ),
    Proof(
        "NET-PATH-002",
        "three routers between two nodes",
        reply("icmp4:pod/a@w1>pod/a@w2", ttl=61),
        red=("pod/a@w1 > pod/a@w2 icmp",),
        status=WARNING,
        text=("pod/a@w1 ({pod/a@w1}) > pod/a@w2", "TTL 61;", "TTL 62 - the reply is routed by both nodes"),
    ),
    Proof(
        "NET-PATH-003",
        "two routers between a pod and another node",
        reply("icmp4:pod/a@w1>host@w2", ttl=62),
        red=("pod/a@w1 > host@w2 icmp",),
        status=WARNING,
        text=("pod/a@w1 ({pod/a@w1}) > host@w2", "TTL 62;", "TTL 63 - the reply is routed once, by the asking pod's node"),
    ),
    Proof(
        "NET-PATH-005",
        "a router more between two nodes",
        routers("trace4:pod/b@w1>pod/a@w2", "{1 w1}", "192.0.2.1", "{0 w2}", "{pod/a@w2}"),
        red=("pod/b@w1 > pod/a@w2 trace",),
        status=WARNING,
        text=(
            "pod/b@w1 ({pod/b@w1}) > pod/a@w2 at {pod/a@w2}:7801 trace: 1 of 1 samples reached, "
            "by way of {1 w1}, 192.0.2.1, {0 w2}, {pod/a@w2};",
            "documented: reached, by way of {1 w1}, {0 w2}, {pod/a@w2} - the way leads over the own node's cni0",
            "(flannel vxlan device)",
        ),
    ),
    Proof(
        "NET-PATH-005",
        "the other node does not tell that it is on the way",
        routers("trace4:pod/b@w1>pod/a@w2", "{1 w1}", "", "{pod/a@w2}"),
        red=("pod/b@w1 > pod/a@w2 trace",),
        status=WARNING,
        text=("by way of {1 w1}, a silent router, {pod/a@w2};",),
    ),
)

MTU = (
    Proof(
        "NET-MTU-003",
        "the largest packet does not fit",
        outcome("icmp4+df-mtu:pod/a@w1>pod/a@w2", "too-big", icmp_from="192.0.2.1", mtu=1400),
        red=("pod/a@w1 > pod/a@w2 icmp+df-mtu",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}",
            "icmp df-mtu: 0 of 3 samples reached, 3 too-big from 192.0.2.1 with MTU 1400",
            "a packet as large as the pod's MTU passes unfragmented",
            "(flannel backend MTU)",
        ),
    ),
    Proof(
        "NET-MTU-004",
        "a packet that is too large disappears",
        outcome("icmp4+df-over:pod/a@w1>pod/a@w2", "timeout", 2.0),
        red=("pod/a@w1 > pod/a@w2 icmp+df-over",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}",
            "icmp df-over: 0 of 3 samples reached, 3 timeout (2.00 s)",
            "documented: too-big - a packet that is too large is reported to its sender, not lost",
            "(Linux path MTU discovery)",
        ),
    ),
    Proof(
        "NET-MTU-004",
        "a packet that is too large is fragmented",
        answered("icmp4+df-over:pod/a@w1>pod/a@w2", ttl=62),
        red=("pod/a@w1 > pod/a@w2 icmp+df-over",),
        text=(
            "icmp df-over: 3 of 3 samples reached",
            "documented: too-big",
        ),
    ),
    Proof(
        "NET-MTU-006",
        "a transfer through a Service stalls",
        outcome("bulk4:pod/b@w1>service/web", "timeout", 8.0, phase="down", received=14480),
        red=("pod/b@w1 > service/web bulk",),
        status=WARNING,
        text=(
            "pod/b@w1 ({pod/b@w1}) > service/web",
            "timeout on the way down after 14480 bytes",
            "1 MiB through a Service arrives intact",
            SERVICES,
        ),
    ),
    Proof(
        "NET-MTU-006",
        "a transfer through a NodePort arrives damaged",
        outcome("bulk4:pod/b@w1>node-port/web@w1", "damaged"),
        red=("pod/b@w1 > node-port/web@w1 bulk",),
        status=WARNING,
        text=(
            "pod/b@w1 ({pod/b@w1}) > node-port/web@w1 at {w1}:",
            "damaged",
            "1 MiB through a NodePort arrives intact",
        ),
    ),
    Proof(
        "NET-MTU-006",
        "a transfer to the outside stalls",
        outcome("bulk4:pod/a@w1>outside/runner", "timeout", 8.0, phase="up"),
        red=("pod/a@w1 > outside/runner bulk",),
        status=WARNING,
        text=(
            "pod/a@w1 ({pod/a@w1}) > outside/runner",
            "1 timeout on the way up",
            "1 MiB to the outside arrives intact",
        ),
    ),
    Proof(
        "NET-MTU-005",
        "a transfer stalls after the handshake",
        outcome("bulk4:pod/a@w1>pod/a@w2", "timeout", 8.0, phase="up", received=64512),
        red=("pod/a@w1 > pod/a@w2 bulk",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > pod/a@w2 at {pod/a@w2}:7801 bulk",
            "0 of 1 samples reached, 1 timeout on the way up after 64512 bytes (8.00 s)",
            "1 MiB arrives intact in both directions",
            SERVICES,
        ),
    ),
    Proof(
        "NET-MTU-005",
        "data arrives damaged",
        outcome("bulk4:pod/a@w1>pod/b@w1", "damaged"),
        red=("pod/a@w1 > pod/b@w1 bulk",),
        text=("pod/a@w1 ({pod/a@w1}) > pod/b@w1", "1 damaged", "1 MiB arrives intact in both directions"),
    ),
)

ALL_OF_THEM = (
    Proof(
        "NET-REACH-005",
        "no packet passes between two nodes",
        each(
            *(
                outcome(f"{head}:pod/a@w1>pod/a@w2", "timeout")
                for head in ("tcp4", "udp4", "icmp4", "icmp4+df-mtu", "icmp4+df-over", "bulk4")
            )
        ),
        red=("pod/a@w1 > pod/a@w2 tcp",),
        text=("pod/a@w1 ({pod/a@w1}) > pod/a@w2", "3 timeout"),
        also={
            "NET-REACH-006 pod/a@w1 > pod/a@w2 udp": "failed",
            "NET-REACH-008 pod/a@w1 > pod/a@w2 icmp": WARNING,
            "NET-MTU-003 pod/a@w1 > pod/a@w2 icmp+df-mtu": "failed",
            "NET-MTU-004 pod/a@w1 > pod/a@w2 icmp+df-over": "failed",
            "NET-MTU-005 pod/a@w1 > pod/a@w2 bulk": "failed",
            "NET-NAT-003 pod/a@w1 > pod/a@w2 tcp": INCONCLUSIVE,
            "NET-NAT-003 pod/a@w1 > pod/a@w2 udp": INCONCLUSIVE,
            "NET-REACH-018 pod/a@w1 > pod/a@w2 tcp": WARNING,
            "NET-REACH-018 pod/a@w1 > pod/a@w2 udp": WARNING,
            "NET-REACH-018 pod/a@w1 > pod/a@w2 icmp": WARNING,
            "NET-NAT-002 pod/a@w1 > pod/a@w2 tcp": INCONCLUSIVE,
            "NET-NAT-002 pod/a@w1 > pod/a@w2 udp": INCONCLUSIVE,
            "NET-PATH-002 pod/a@w1 > pod/a@w2 icmp": INCONCLUSIVE,
        },
    ),
)

PROOFS = (*NAT, *PATH, *MTU, *ALL_OF_THEM)
