"""A pod is asked from every node, then once more with one NetworkPolicy on it that allows nobody in."""

from __future__ import annotations

from .pods import role
from .stage import ONCE, Stage, all_lost, all_reached

ROLE = role("policed")
POLICY = "deny"
EFFECT = 8.0  # s for the policy to take effect, where something enforces it


def play(stage: Stage) -> None:
    """The policy selects this pod alone, and is taken away again whatever happens."""
    node = stage.nodes[-1]
    with stage.step("free"):
        stage.pods.create(ROLE, node)
        probes = stage.probes([stage.pods.ready(ROLE, node)])
        stage.until(probes, all_reached)
    try:
        with stage.step("denied"):
            selector = {"matchLabels": {"k8snet/run": stage.run, "k8snet/role": ROLE.name}}
            stage.objects.create("NetworkPolicy", POLICY, {"spec": {"podSelector": selector, "policyTypes": ["Ingress"]}})
            stage.until(probes, all_lost, ONCE, EFFECT)
    finally:
        stage.objects.remove("NetworkPolicy", POLICY)
