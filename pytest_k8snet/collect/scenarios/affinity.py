"""A Service with several backends and ClientIP affinity, asked often; then the affinity is switched off, and it is asked again."""

from __future__ import annotations

from pytest_k8snet.collect.requests import Sampling
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.plan.scenarios import AFFINITY_REQUESTS

from .endpoints import ready
from .stage import Answers, Stage, all_reached

SERVICE = "affinity"
OFTEN = Sampling(1, 0, until=2, maximum=AFFINITY_REQUESTS)  # no more once a second backend answered, or none does


def play(stage: Stage) -> None:
    """Clients are a pod of every node; they use the ClusterIP, and the NodePort of their own node."""
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)])
    probes += stage.probes(lambda node: Endpoint(EndpointKind.NODE_PORT, SERVICE, node))
    with stage.step("before"):
        stage.objects.service(SERVICE, type="NodePort", sessionAffinity="ClientIP")
        stage.slices(SERVICE, lambda slices: len(ready(slices)) > 1)
        stage.until(probes, all_reached)
    with stage.step("on"):
        stage.ask(probes, OFTEN)
    with stage.step("off"):
        stage.objects.patch("Service", SERVICE, {"spec": {"sessionAffinity": "None"}})
        stage.until(probes, _spread, OFTEN)


def _spread(answers: Answers) -> bool:
    return all(answer.reached and len(set(answer.servers)) > 1 for answer in answers.values())
