"""A backend is deleted and goes on answering for a while: alone behind one Service, beside another backend behind a second one."""

from __future__ import annotations

from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .endpoints import ready, terminating
from .pods import arguments, role
from .stage import Answers, Stage, all_reached

ALONE, BESIDE = "ending-alone", "ending-beside"
GOING, STAYING = role("going"), role("staying")
GRACE = 30  # s that the deleted pod may go on
NO_CONTROLLER = {"type": "LoadBalancer", "loadBalancerClass": "k8snet.test/none", "externalTrafficPolicy": "Local"}


def play(stage: Stage) -> None:
    """That the second Service leaves the deleted pod shows that every node knows of its end before the first one is asked."""
    node = stage.nodes[-1]
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, ALONE)])
    beside = stage.probes([Endpoint(EndpointKind.SERVICE, BESIDE)])
    with stage.step("both"):
        stage.pods.create(GOING, node, arguments("--linger", str(GRACE)), _patient)
        stage.pods.create(STAYING, node)
        selector = {"k8snet/run": stage.run, "k8snet/role": GOING.name}
        body = stage.objects.service(ALONE, selector=selector, **NO_CONTROLLER)
        stage.objects.service(BESIDE, selector={"k8snet/run": stage.run, "k8snet/scenario": stage.scenario})
        for one in (GOING, STAYING):
            stage.pods.ready(one, node)
        stage.slices(ALONE, lambda slices: len(ready(slices)) == 1)
        stage.slices(BESIDE, lambda slices: len(ready(slices)) == 2)
        stage.until(probes + beside, all_reached)
        _health(stage, body)
    try:
        with stage.step("ending-beside"):
            stage.pods.delete(GOING, node)
            stage.slices(ALONE, lambda slices: bool(terminating(slices)))
            stage.until(beside, lambda answers: _only(answers, str(STAYING.endpoint(node))))
        with stage.step("ending-alone"):
            stage.ask(probes)
            _health(stage, body)
    finally:
        stage.pods.end(GOING, node)


def _health(stage: Stage, body: dict[str, Any]) -> None:
    port = body["spec"].get("healthCheckNodePort")
    if port:
        stage.read("health", lambda node: f"http://{stage.literal(node)}:{port}/healthz")


def _patient(manifest: dict[str, Any]) -> None:
    manifest["spec"]["terminationGracePeriodSeconds"] = GRACE


def _only(answers: Answers, server: str) -> bool:
    return all(answer.reached and set(answer.servers) == {server} for answer in answers.values())
