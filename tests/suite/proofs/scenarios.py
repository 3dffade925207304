"""Scenarios: what a Service does while it is changed.

Frames are named by scenario, step and round: tcp4+affinity.on.7:pod/a@w1>service/affinity.
"""

from __future__ import annotations

from spoiling import Evidence, Frame

from .proof import WARNING, Edit, Proof, outcome

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


PROOFS = (
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
