"""A pod is asked from every node, then once more with one NetworkPolicy on it that allows nobody in, and again without."""

from __future__ import annotations

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .pods import role
from .stage import TWICE, Stage, all_reached, lost_alone

ROLE = role("policed")
POLICY = "deny"
EFFECT, LOOK = 8.0, 1.0  # s for the policy to take effect where something enforces it, and between two looks


def play(stage: Stage) -> None:
    """The policy selects this pod alone: a pod beside it, which is asked at the same time, shows that the network is up.

    Where the policy kept somebody out it is taken away, which must let him in again. Otherwise it goes with its namespace.
    """
    node = stage.nodes[-1]
    with stage.step("free"):
        stage.pods.create(ROLE, node)
        probes = stage.probes([stage.pods.ready(ROLE, node)])
        stage.until(probes, all_reached)
    beside = stage.probes([Endpoint(EndpointKind.POD, "b", node)])
    with stage.step("denied"):
        selector = {"matchLabels": {"k8snet/run": stage.run, "k8snet/role": ROLE.name}}
        stage.objects.create("NetworkPolicy", POLICY, {"spec": {"podSelector": selector, "policyTypes": ["Ingress"]}})
        answers = stage.until(probes + beside, lost_alone(probes), TWICE, EFFECT, LOOK)
    if not all_reached(answers):
        with stage.step("freed"):
            stage.objects.delete("NetworkPolicy", POLICY)
            stage.until(probes, all_reached)
