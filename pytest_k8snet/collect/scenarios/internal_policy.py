"""A Service with its backends on one node: first for everybody, then for the clients of that node alone (internalTrafficPolicy Local)."""

from __future__ import annotations

from pytest_k8snet.collect import manifests
from pytest_k8snet.collect.requests import Sampling
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .endpoints import ready
from .stage import Answers, Stage, all_reached

SERVICE = "internal-policy"


def play(stage: Stage) -> None:
    """That it answered everywhere before shows that the later silence is the policy's."""
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)])
    with stage.step("cluster"):
        stage.objects.service(SERVICE, selector={"k8snet/run": stage.run, manifests.POOL: manifests.POOL_OF_ECHO, manifests.PLACE: "0"})
        stage.slices(SERVICE, lambda slices: bool(ready(slices)))
        stage.until(probes, all_reached)
    with stage.step("local"):
        stage.objects.patch("Service", SERVICE, {"spec": {"internalTrafficPolicy": "Local"}})
        stage.until(probes, lambda answers: _split(stage, answers), Sampling(2, 0))


def _split(stage: Stage, answers: Answers) -> bool:
    return all(answer.reached if probe.source.node == stage.nodes[0] else answer.lost for probe, answer in answers.items())
