"""A pod is made, and asked from every node as soon as it is Ready."""

from __future__ import annotations

from pytest_k8snet.plan.scenarios import FRESH_SECONDS

from .pods import role
from .stage import Stage, all_reached

ROLE = role("fresh")


def play(stage: Stage) -> None:
    """The delay of each node is the time from the pod's readiness to the first answer, in the record of the rounds."""
    node = stage.nodes[-1]
    with stage.step("created"):
        stage.pods.create(ROLE, node)
        pod = stage.pods.ready(ROLE, node)
    with stage.step("asked"):
        stage.until(stage.probes([pod]), all_reached, seconds=FRESH_SECONDS)
