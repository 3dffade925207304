"""Properties of cells that are reached: source address, Service backends, way, packet size."""

from __future__ import annotations

from spoiling import Evidence, Frame

from .proof import INCONCLUSIVE, WARNING, Edit, Proof, each, outcome, reply

MODEL, SERVICES = "(Kubernetes network model)", "(Kubernetes Service documentation)"
MASQUERADE = "(flannel masquerade rules)"
OUTSIDE = "outside/tcp://198.51.100.10:80"


def without(id: str, server: str) -> Edit:
    """One backend never answers: its samples go to another one."""

    def edit(evidence: Evidence) -> None:
        gone, instead = evidence.long(server), evidence.long("pod/a@w1")

        def change(sample: Frame) -> None:
            if sample["reply"].get("server") == gone:
                sample["reply"]["server"] = instead

        evidence.samples(id, change)

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

SERVICE = (
    Proof(
        "NET-SERVICE-001",
        "one backend never answers",
        without("tcp4:pod/b@w1>service/web", "pod/a@w2"),
        red=("pod/b@w1 > service/web tcp",),
        text=(
            "pod/b@w1 ({pod/b@w1}) > service/web at ",
            "samples reached, answered by pod/a@control",
            "never by pod/a@w2",
            "by each of pod/a@control, pod/a@w1, pod/a@w2 - a ClusterIP reaches every ready endpoint, local and remote",
            "(Kubernetes conformance)",
        ),
    ),
    Proof(
        "NET-SERVICE-002",
        "datagrams to a ClusterIP are lost",
        outcome("udp4:pod/b@w1>service/web", "timeout"),
        red=("pod/b@w1 > service/web udp",),
        text=("pod/b@w1 ({pod/b@w1}) > service/web", "udp: 0 of", "timeout", "a ClusterIP reaches every ready endpoint", SERVICES),
    ),
    Proof(
        "NET-SERVICE-003",
        "a process of the node does not get through",
        outcome("tcp4:host@w1>service/web", "refused"),
        red=("host@w1 > service/web tcp",),
        text=(
            "host@w1 ({w1}) > service/web",
            "tcp: 0 of",
            "refused",
            "a process of the node reaches every ready endpoint through the ClusterIP",
            SERVICES,
        ),
    ),
    Proof(
        "NET-SERVICE-005",
        "calls to a ClusterIP are masqueraded",
        reply("tcp4:pod/b@w1>service/web", peer="{w1}"),
        red=("pod/b@w1 > service/web tcp",),
        text=(
            "pod/b@w1 ({pod/b@w1}) > service/web",
            "source seen {w1}",
            "source {pod/b@w1} (the client's own address) - packets from inside the cluster to a ClusterIP keep their source",
            SERVICES,
        ),
    ),
    Proof(
        "NET-SERVICE-006",
        "a pod does not come back to itself",
        outcome("tcp4:pod/a@w1>service/self", "timeout"),
        red=("pod/a@w1 > service/self tcp",),
        text=("pod/a@w1 ({pod/a@w1}) > service/self", "0 of 3 samples reached, 3 timeout", "a backend reaches itself", SERVICES),
    ),
    Proof(
        "NET-SERVICE-006",
        "a hairpin packet keeps the pod's address",
        reply("tcp4:pod/a@w1>service/self", peer="{pod/a@w1}"),
        red=("pod/a@w1 > service/self tcp",),
        text=("pod/a@w1", "> service/self", "source seen {pod/a@w1}", "(its node's bridge or its node's address)", "answered by pod/a@w1"),
    ),
    Proof(
        "NET-SERVICE-007",
        "a node port does not answer",
        outcome("tcp4:pod/b@w1>node-port/web@w2", "timeout"),
        red=("pod/b@w1 > node-port/web@w2 tcp",),
        text=(
            "pod/b@w1 ({pod/b@w1}) > node-port/web@w2 at {w2}:",
            "0 of 3 samples reached, 3 timeout",
            "a NodePort answers at every node's address",
            "(Kubernetes conformance)",
        ),
    ),
    Proof(
        "NET-SERVICE-007",
        "a node port does not answer datagrams",
        outcome("udp4:host@w1>node-port/web@w2", "timeout"),
        red=("host@w1 > node-port/web@w2 udp",),
        status=WARNING,
        text=("host@w1 ({w1}) > node-port/web@w2 at {w2}:", "udp: 0 of 3", "a NodePort answers at every node's address"),
    ),
    Proof(
        "NET-SERVICE-018",
        "no endpoints, and nobody refuses",
        outcome("tcp4:pod/b@w1>service/empty", "timeout", 2.0),
        red=("pod/b@w1 > service/empty tcp",),
        text=(
            "pod/b@w1 ({pod/b@w1}) > service/empty at ",
            "tcp: 0 of 3 samples reached, 3 timeout (2.00 s)",
            "documented: refused, within 1 s - a Service without endpoints refuses at once",
            SERVICES,
        ),
    ),
    Proof(
        "NET-SERVICE-018",
        "no endpoints, and the refusal comes late",
        outcome("tcp4:pod/b@w1>service/empty", "refused", 1.5),
        red=("pod/b@w1 > service/empty tcp",),
        text=("took 1.50 s: pod/b@w1 ({pod/b@w1}) > service/empty", "3 refused (1.50 s)", "documented: refused, within 1 s"),
    ),
)

EXTERNAL = (
    Proof(
        "NET-EXTERNAL-001",
        "an outside client gets no answer at one node",
        outcome("tcp4:outside/runner>node-port/web@w1", "timeout"),
        red=("outside/runner > node-port/web@w1 tcp",),
        status=WARNING,
        text=(
            "outside/runner > node-port/web@w1 at {w1}:",
            "0 of 3 samples reached, 3 timeout",
            "an outside client that reaches a node reaches the NodePort there",
            SERVICES,
        ),
    ),
    Proof(
        "NET-EXTERNAL-004",
        "a pod's packets do not come back from outside",
        outcome(f"tcp4:pod/a@w2>{OUTSIDE}", "timeout"),
        red=(f"pod/a@w2 > {OUTSIDE} tcp",),
        text=(
            f"pod/a@w2 ({{pod/a@w2}}) > {OUTSIDE} at 198.51.100.10:80 tcp",
            "3 timeout",
            "a pod reaches outside what its node reaches",
            MASQUERADE,
        ),
        also={f"NET-REACH-019 pod/a@w2 > {OUTSIDE} tcp": WARNING},
    ),
    Proof(
        "NET-EXTERNAL-005",
        "a pod IP arrives outside",
        reply("tcp4:pod/a@w1>outside/runner", peer="{pod/a@w1}"),
        red=("pod/a@w1 > outside/runner tcp",),
        text=(
            "pod/a@w1 ({pod/a@w1}) > outside/runner",
            "source seen {pod/a@w1}",
            "source {w1} (its node's address) - the outside sees the sending node's address, not a pod IP",
            MASQUERADE,
        ),
    ),
    Proof(
        "NET-EXTERNAL-006",
        "one node does not get out",
        outcome(f"tcp4:host@w1>{OUTSIDE}", "net-unreachable"),
        red=(f"host@w1 > {OUTSIDE} tcp",),
        status=WARNING,
        text=(
            f"host@w1 ({{w1}}) > {OUTSIDE}",
            "3 net-unreachable",
            "a node reaches outside what its pods should reach",
            "(Linux host networking)",
        ),
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
        each(*(outcome(f"{head}:pod/a@w1>pod/a@w2", "timeout") for head in ("tcp4", "udp4", "icmp4", "icmp4+df-mtu", "bulk4"))),
        red=("pod/a@w1 > pod/a@w2 tcp",),
        text=("pod/a@w1 ({pod/a@w1}) > pod/a@w2", "3 timeout"),
        also={
            "NET-REACH-006 pod/a@w1 > pod/a@w2 udp": "failed",
            "NET-REACH-008 pod/a@w1 > pod/a@w2 icmp": WARNING,
            "NET-MTU-003 pod/a@w1 > pod/a@w2 icmp+df-mtu": "failed",
            "NET-MTU-005 pod/a@w1 > pod/a@w2 bulk": "failed",
            "NET-NAT-002 pod/a@w1 > pod/a@w2 tcp": INCONCLUSIVE,
            "NET-NAT-002 pod/a@w1 > pod/a@w2 udp": INCONCLUSIVE,
            "NET-PATH-002 pod/a@w1 > pod/a@w2 icmp": INCONCLUSIVE,
        },
    ),
)

PROOFS = (*NAT, *SERVICE, *EXTERNAL, *PATH, *MTU, *ALL_OF_THEM)
