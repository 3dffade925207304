"""Scenarios: what a Service does while it or its backends are changed, and what is seen of new pods.

Frames are named by scenario, step and round: tcp4+affinity.on.7:pod/a@w1>service/affinity.
"""

from __future__ import annotations

from spoiling import Evidence, Frame

from .proof import WARNING, Edit, Proof, outcome, reply

SERVICES = "(Kubernetes Service documentation)"


def second_backend(id: str) -> Edit:
    """Every other request of one client goes to another backend than the first."""

    def edit(evidence: Evidence) -> None:
        def change(frame: Frame) -> None:
            first = frame["samples"][0]["reply"]["server"]
            other = next(name for name in map(evidence.long, ("pod/a@w1", "pod/b@w1")) if name != first)
            for sample in frame["samples"][1::2]:
                sample["reply"]["server"] = other

        evidence.frames(id, change)

    return edit


def one_backend(id: str) -> Edit:
    """All requests of one client go to one backend."""

    def edit(evidence: Evidence) -> None:
        def change(frame: Frame) -> None:
            template = frame["samples"][0]
            frame["samples"] = [
                {**template, "n": n, "nonce": f"{n:04x}", "reply": {**template["reply"], "nonce": f"{n:04x}"}} for n in range(20)
            ]

        evidence.frames(id, change)

    return edit


def answers(id: str, server: str) -> Edit:
    """What timed out is answered by a backend after all."""

    def edit(evidence: Evidence) -> None:
        def change(sample: Frame) -> None:
            nonce = sample["nonce"]
            sample.update(
                outcome="reached", reply={"server": evidence.long(server), "nonce": nonce, "run": evidence.recording.meta["run_id"]}
            )

        evidence.samples(id, change)

    return edit


def alternating(id: str, *servers: str) -> Edit:
    """The requests of one client go to these backends in turn."""

    def edit(evidence: Evidence) -> None:
        def change(frame: Frame) -> None:
            for number, sample in enumerate(frame["samples"]):
                sample["reply"]["server"] = evidence.long(servers[number % len(servers)])

        evidence.frames(id, change)

    return edit


def timeout_seconds(step: str, seconds: int) -> Edit:
    """The API shows another timeout of ClientIP affinity."""

    def edit(evidence: Evidence) -> None:
        entries = list(evidence.recording.entries("objects", name=f"scenario/affinity-timeout/{step}/Service/affinity-timeout"))
        assert entries, f"no Service in step {step}"
        for entry in entries:
            entry["body"]["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] = seconds

    return edit


def health(step: str, node: str, code: int) -> Edit:
    """A health check port answers with another status."""

    def edit(evidence: Evidence) -> None:
        frames = [entry["frame"] for entry in evidence.recording.entries("frames", scenario="terminating", step=step)]
        found = [frame for frame in frames if frame.get("name") == evidence.long(f"health@{node}")]
        assert found, f"health of {node} was not read in step {step}"
        for frame in found:
            frame["code"] = code

    return edit


PROOFS = (
    Proof(
        "NET-REACH-020",
        "a node does not reach a new pod",
        outcome("tcp4+fresh-pod.asked.*:pod/a@w1>pod/fresh@w2", "timeout", 1.0),
        red=("cluster",),
        status=WARNING,
        text=(
            "scenario fresh-pod: a new pod, asked from every node once it is Ready (Kubernetes network model)",
            "step asked: pod/a@w1 > pod/fresh@w2 tcp: expected an answer within 30 s, found timeout (never answered)",
        ),
    ),
    Proof(
        "NET-SERVICE-011",
        "a node masquerades who comes from outside",
        reply("tcp4+external-policy.local.*:outside/runner>node-port/external-policy@control", peer="{w1}"),
        red=("cluster",),
        status=WARNING,
        text=(
            "step local: outside/runner > node-port/external-policy@control tcp: expected",
            "found {w1} (the client's own address)",
            "Kubernetes, virtual IPs: traffic policies",
        ),
    ),
    Proof(
        "NET-SERVICE-012",
        "a node without a backend sends who comes from outside to another node",
        answers("tcp4+external-policy.local.*:outside/runner>node-port/external-policy@w1", "pod/a@control"),
        red=("cluster",),
        status=WARNING,
        text=(
            "step local: outside/runner > node-port/external-policy@w1 tcp: expected no answer (timeout), found reached pod/a@control",
            "no backend on w1",
            "Kubernetes, virtual IPs: traffic policies",
        ),
    ),
    Proof(
        "NET-SERVICE-012",
        "a node without a backend drops clients of the cluster too",
        outcome("tcp4+external-policy.local.*:pod/a@w1>node-port/external-policy@w1", "timeout", 1.0),
        red=("cluster",),
        status=WARNING,
        text=("step local: pod/a@w1 > node-port/external-policy@w1 tcp: expected an answer, found no answer (no backend on w1",),
    ),
    Proof(
        "NET-SERVICE-013",
        "a node without a backend calls itself healthy",
        health("alone", "w1", 200),
        red=("cluster",),
        status=WARNING,
        text=("step alone: health of w1: expected HTTP 503, found HTTP 200", "healthCheckNodePort of Service ending-alone", "source IP"),
    ),
    Proof(
        "NET-SERVICE-013",
        "a node calls itself healthy while its only backend is ending",
        health("ending-alone", "w2", 200),
        red=("cluster",),
        status=WARNING,
        text=("step ending-alone: health of w2: expected HTTP 503, found HTTP 200",),
    ),
    Proof(
        "NET-SERVICE-017",
        "the API server fills in another default",
        timeout_seconds("default", 7200),
        red=("cluster",),
        status=WARNING,
        text=("step default: timeoutSeconds: expected 10800, found 7200", SERVICES),
    ),
    Proof(
        "NET-SERVICE-017",
        "clients move before their time is over",
        second_backend("tcp4+affinity-timeout.held.*:pod/a@w2>service/affinity-timeout"),
        red=("cluster",),
        status=WARNING,
        text=("step held: pod/a@w2 > service/affinity-timeout tcp: expected one backend, found several backends (within the default",),
    ),
    Proof(
        "NET-SERVICE-019",
        "a backend that is not ready still gets connections",
        answers("tcp4+readiness.unready.*:pod/a@w1>service/readiness", "pod/readiness@w2"),
        red=("cluster",),
        text=(
            "step unready: pod/a@w1 > service/readiness tcp: expected no answer, found an answer",
            "pod/readiness@w2 itself answers",
            "Kubernetes conformance",
        ),
    ),
    Proof(
        "NET-SERVICE-019",
        "a backend that is ready again stays idle",
        outcome("tcp4+readiness.ready-again.*:pod/a@w1>service/readiness", "refused", 0.1),
        red=("cluster",),
        text=("step ready-again: pod/a@w1 > service/readiness tcp: expected an answer, found no answer",),
    ),
    Proof(
        "NET-SERVICE-020",
        "nobody serves a Service whose backends are all ending",
        outcome("tcp4+terminating.ending-alone.*:pod/a@w1>service/ending-alone", "refused", 0.1),
        red=("cluster",),
        status=WARNING,
        text=("step ending-alone: pod/a@w1 > service/ending-alone tcp: expected reached pod/going@w2, found refused", "KEP-1669"),
    ),
    Proof(
        "NET-SERVICE-020",
        "an ending backend gets connections although another one is ready",
        alternating("tcp4+terminating.ending-beside.*:pod/a@w1>service/ending-beside", "pod/staying@w2", "pod/going@w2"),
        red=("cluster",),
        status=WARNING,
        text=(
            "step ending-beside: pod/a@w1 > service/ending-beside tcp: expected reached pod/staying@w2, found reached pod/going@w2 (",
            "the backend that is ready",
        ),
    ),
    Proof(
        "NET-SERVICE-021",
        "a named target leads to another port",
        reply("tcp4+ports.asked.*:pod/a@w1>service/ports-name", port=7801),
        red=("cluster",),
        text=(
            "step asked: pod/a@w1 > service/ports-name tcp: expected port 7803, found port 7801",
            "has targetPort second",
            "Kubernetes conformance",
        ),
    ),
    Proof(
        "NET-SERVICE-021",
        "of two protocols on one number one is silent",
        outcome("udp4+ports.asked.*:pod/a@w1>service/ports", "timeout", 1.0),
        red=("cluster",),
        text=("step asked: pod/a@w1 > service/ports udp: expected port 7801, found timeout", "has targetPort echo-udp"),
    ),
    Proof(
        "NET-SERVICE-022",
        "a node port goes on answering after it was given up",
        answers("tcp4+retype.cluster-ip-again.*:pod/a@w1>node-port/retype-port@w1", "pod/a@w1"),
        red=("cluster",),
        text=(
            "step cluster-ip-again: pod/a@w1 > node-port/retype-port@w1 tcp: expected no answer, found an answer",
            "s after the change",
            "Kubernetes conformance",
        ),
    ),
    Proof(
        "NET-SERVICE-022",
        "a node port does not come into being",
        outcome("tcp4+retype.node-port.*:pod/a@w1>node-port/retype-port@w1", "refused", 0.1),
        red=("cluster",),
        text=("step node-port: pod/a@w1 > node-port/retype-port@w1 tcp: expected an answer, found no answer",),
    ),
    Proof(
        "NET-SERVICE-023",
        "one of two listed addresses gets nothing",
        reply("tcp4+selectorless.listed.*:pod/a@w1>service/selectorless", server="pod/a@control"),
        red=("cluster",),
        status=WARNING,
        text=(
            "step listed: pod/a@w1 > service/selectorless tcp: expected pod/a@control pod/b@w2, found pod/a@control (the listed endpoints)",
            SERVICES,
        ),
    ),
    Proof(
        "NET-SERVICE-024",
        "a flow stays with the backend that was replaced",
        reply("udp4+udp-flow.replaced.*:pod/a@w2>service/udp-flow", server="pod/b@control"),
        red=("cluster",),
        status=WARNING,
        text=(
            "step replaced: pod/a@w2 > service/udp-flow udp: expected reached pod/b@w1, found reached pod/b@control",
            "from port 7810 as before",
            SERVICES,
        ),
    ),
    Proof(
        "NET-SERVICE-025",
        "a hostPort does not answer datagrams",
        outcome("udp4+host-port.asked.*:pod/a@w1>node-port/host-port@w2", "timeout", 1.0),
        red=("cluster",),
        text=(
            "step asked: pod/a@w1 > node-port/host-port@w2 udp: expected reached pod/host-port-udp@w2, found timeout",
            "its hostPort is at {w2}",
            "Kubernetes conformance",
        ),
    ),
    Proof(
        "NET-SERVICE-025",
        "the pod of another hostIP answers",
        reply("tcp4+host-port.asked.*:host@w1>node-port/host-port@w2", server="pod/host-port-loopback@w2"),
        red=("cluster",),
        text=("host@w1 > node-port/host-port@w2 tcp: expected reached pod/host-port-tcp@w2, found reached pod/host-port-loopback@w2",),
    ),
    Proof(
        "NET-IPV6-004",
        "the IPv6 address of a Service does not answer",
        outcome("tcp6+service-families.asked.*:pod/a@w1>service/family-prefer", "timeout", 1.0),
        red=("cluster",),
        text=(
            "step asked: pod/a@w1 > service/family-prefer tcp over ipv6: expected an answer, found no answer",
            "Kubernetes, IPv4/IPv6 dual-stack",
        ),
        on="healthy-dual",
    ),
    Proof(
        "NET-SERVICE-014",
        "traffic is sent to another node although the policy is Local",
        answers("tcp4+internal-policy.local.*:pod/a@w1>service/internal-policy", "pod/a@control"),
        red=("cluster",),
        status=WARNING,
        text=(
            "scenario internal-policy: Service internal-policy, internalTrafficPolicy Local",
            "step local: pod/a@w1 > service/internal-policy tcp: expected no answer (timeout), found reached pod/a@control",
            "backends of w1: none",
            SERVICES,
        ),
    ),
    Proof(
        "NET-SERVICE-014",
        "the node that has backends drops too",
        outcome("tcp4+internal-policy.local.*:pod/a@control>service/internal-policy", "timeout", 1.0),
        red=("cluster",),
        status=WARNING,
        text=("step local: pod/a@control > service/internal-policy tcp: expected answers of backends of its own node, found no answer",),
    ),
    Proof(
        "NET-SERVICE-015",
        "one client's requests are spread although affinity is on",
        second_backend("tcp4+affinity.on.*:pod/a@w2>service/affinity"),
        red=("cluster",),
        text=("step on: pod/a@w2 > service/affinity tcp: expected one backend, found several backends", "pod/a@w1 (10)", SERVICES),
    ),
    Proof(
        "NET-SERVICE-015",
        "affinity stays when it is switched off",
        one_backend("tcp4+affinity.off.*:pod/a@w2>service/affinity"),
        red=("cluster",),
        text=("step off: pod/a@w2 > service/affinity tcp: expected several backends, found one backend", SERVICES),
    ),
    Proof(
        "NET-SERVICE-016",
        "a node port knows no affinity",
        second_backend("tcp4+affinity.on.*:pod/a@w2>node-port/affinity@w2"),
        red=("cluster",),
        text=("step on: pod/a@w2 > node-port/affinity@w2 tcp: expected one backend, found several backends", SERVICES),
    ),
)
