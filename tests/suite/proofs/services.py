"""Services and the border of the cluster: backends, node ports, what the target sees."""

from __future__ import annotations

from spoiling import Evidence, Frame

from .proof import INCONCLUSIVE, WARNING, Edit, Proof, answered, outcome, reply

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
        "NET-SERVICE-004",
        "nobody answers at the Service's name",
        outcome("tcp4+by-name:pod/b@w1>service/web", "name-error"),
        red=("pod/b@w1 > service/web tcp+by-name",),
        status=WARNING,
        text=(
            "pod/b@w1 ({pod/b@w1}) > service/web at ",
            "tcp by-name: 0 of 3 samples reached, 3 name-error",
            "a request to the Service's DNS name is answered on every node",
            "(seed article)",
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
        "NET-SERVICE-008",
        "a node does not reach a NodePort at its own address",
        outcome("tcp4:host@w1>node-port/web@w1", "refused"),
        red=("host@w1 > node-port/web@w1 tcp",),
        status=WARNING,
        text=(
            "host@w1 ({w1}) > node-port/web@w1 at {w1}:",
            "0 of 3 samples reached, 3 refused",
            "a process of the node reaches the NodePort at the node's own address",
            "(Kubernetes virtual IP reference)",
        ),
        also={"NET-SERVICE-007 host@w1 > node-port/web@w1 tcp": "failed"},
    ),
    Proof(
        "NET-SERVICE-009",
        "a NodePort does not answer on localhost",
        outcome("tcp4:host@w1>loopback/web@w1", "refused"),
        red=("host@w1 > loopback/web@w1 tcp",),
        status=WARNING,
        text=(
            "host@w1 ({w1}) > loopback/web@w1 at 127.0.0.1:",
            "1 refused",
            "127.0.0.1 answers in iptables mode",
            "(kube-proxy in iptables mode)",
        ),
    ),
    Proof(
        "NET-SERVICE-010",
        "a NodePort's backend sees the client of another node",
        reply("tcp4:host@w1>node-port/web@w2", peer="{w1}"),
        red=("host@w1 > node-port/web@w2 tcp",),
        status=WARNING,
        text=(
            "host@w1 ({w1}) > node-port/web@w2 at {w2}:",
            "source seen {w1}",
            "{w2} (the receiving node's address)",
            "the backend sees an address of the node that received the request",
            "(Kubernetes source IP tutorial)",
        ),
    ),
    Proof(
        "NET-SERVICE-010",
        "a NodePort's backend sees the client outside",
        reply("tcp4:outside/runner>node-port/web@w2", peer="203.0.113.10"),
        red=("outside/runner > node-port/web@w2 tcp",),
        status=WARNING,
        text=(
            "outside/runner > node-port/web@w2 at {w2}:",
            "source seen 203.0.113.10",
            "(the receiving node's address)",
        ),
    ),
    Proof(
        "NET-SERVICE-026",
        "a ClusterIP answers a ping",
        answered("icmp4:pod/b@w1>service/web", ttl=64),
        red=("pod/b@w1 > service/web icmp",),
        status=WARNING,
        text=(
            "pod/b@w1 ({pod/b@w1}) > service/web",
            "icmp: 1 of 1 samples reached",
            "nothing answers a ping",
            "(Kubernetes virtual IP reference)",
        ),
    ),
    Proof(
        "NET-SERVICE-026",
        "a ClusterIP answers at a port that no Service has",
        answered("tcp4+other-port:pod/b@w1>service/web", server="pod/a@w1"),
        red=("pod/b@w1 > service/web tcp+other-port",),
        status=WARNING,
        text=(
            "tcp other-port: 1 of 1 samples reached",
            "nothing answers at a port that the Service does not have",
        ),
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
        also={"NET-SERVICE-010 outside/runner > node-port/web@w1 tcp": INCONCLUSIVE},
        text=(
            "outside/runner > node-port/web@w1 at {w1}:",
            "0 of 3 samples reached, 3 timeout",
            "an outside client that reaches a node reaches the NodePort there",
            SERVICES,
        ),
    ),
    Proof(
        "NET-EXTERNAL-002",
        "an outside client's datagrams get no answer at one node",
        outcome("udp4:outside/runner>node-port/web@w1", "timeout"),
        red=("outside/runner > node-port/web@w1 udp",),
        status=WARNING,
        text=(
            "outside/runner > node-port/web@w1 at {w1}:",
            "udp: 0 of 3 samples reached, 3 timeout",
            "reaches the NodePort there",
            SERVICES,
        ),
    ),
    Proof(
        "NET-EXTERNAL-007",
        "a pod IP answers outside",
        answered("tcp4:outside/runner>pod/a@w1", server="pod/a@w1"),
        red=("outside/runner > pod/a@w1 tcp",),
        status=WARNING,
        text=(
            "outside/runner > pod/a@w1 at {pod/a@w1}:7801 tcp: 1 of 1 samples reached",
            "pod IPs are not reached from outside",
            MODEL,
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

PROOFS = (*SERVICE, *EXTERNAL)
