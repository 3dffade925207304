"""A backend is deleted and goes on answering for a while: alone behind one Service, beside another backend behind a second one."""

from __future__ import annotations

from typing import Any

from pytest_k8snet.collect.requests import Sampling
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.plan.scenarios import AFFINITY_REQUESTS

from .endpoints import ready, terminating
from .pods import arguments, role
from .stage import Stage, all_reached, from_several, only_from

ALONE, BESIDE = "ending-alone", "ending-beside"
GOING, STAYING = role("going"), role("staying")
GRACE = 30  # s that the deleted pod may go on
OFTEN = Sampling(1, 0, until=2, maximum=AFFINITY_REQUESTS)  # so many that one of two backends is not missed by chance
NO_CONTROLLER = {"type": "LoadBalancer", "loadBalancerClass": "k8snet.test/none", "externalTrafficPolicy": "Local"}


def play(stage: Stage) -> None:
    """That the second Service leaves the deleted pod shows that every node knows of its end before the first one is asked.

    The EndpointSlices are looked at once more in the end: the pod must not have ended meanwhile.
    """
    node = stage.nodes[-1]
    try:
        _observe(stage, node)
    finally:
        stage.pods.end(GOING, node)


def _observe(stage: Stage, node: str) -> None:
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, ALONE)])
    beside = stage.probes([Endpoint(EndpointKind.SERVICE, BESIDE)])
    with stage.step("alone"):
        stage.pods.create(GOING, node, arguments("--linger", str(GRACE)), _patient)
        stage.pods.create(STAYING, node)
        selector = {"k8snet/run": stage.run, "k8snet/role": GOING.name}
        body = stage.objects.service(ALONE, selector=selector, **NO_CONTROLLER)
        stage.objects.service(BESIDE, selector={"k8snet/run": stage.run, "k8snet/scenario": stage.scenario})
        for one in (GOING, STAYING):
            stage.pods.ready(one, node)
        stage.slices(ALONE, lambda slices: len(ready(slices)) == 1)
        stage.until(probes, all_reached)
        _health(stage, body)
    with stage.step("beside"):
        stage.slices(BESIDE, lambda slices: len(ready(slices)) == 2)
        stage.until(beside, from_several(2), OFTEN)
    with stage.step("ending-beside"):
        stage.pods.delete(GOING, node)
        stage.slices(BESIDE, lambda slices: bool(terminating(slices)))
        stage.until(beside, only_from(STAYING.endpoint(node)), OFTEN)
    with stage.step("ending-alone"):
        stage.ask(probes)
        _health(stage, body)
        stage.slices(ALONE, lambda slices: bool(terminating(slices)))


def _health(stage: Stage, body: dict[str, Any]) -> None:
    port = body["spec"].get("healthCheckNodePort")
    if port:
        stage.read("health", lambda node: f"http://{stage.literal(node)}:{port}/healthz")


def _patient(manifest: dict[str, Any]) -> None:
    manifest["spec"]["terminationGracePeriodSeconds"] = GRACE
