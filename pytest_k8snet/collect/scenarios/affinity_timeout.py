"""ClientIP affinity with a short timeout: clients ask, stay silent for longer than it, and ask again."""

from __future__ import annotations

from pytest_k8snet.collect.requests import Sampling
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.plan.scenarios import AFFINITY_REQUESTS, AFFINITY_ROUNDS, AFFINITY_SECONDS

from .endpoints import ready
from .stage import THRICE, Stage, all_reached

SERVICE = "affinity-timeout"
OFTEN = Sampling(1, 0, until=2, maximum=AFFINITY_REQUESTS)


def play(stage: Stage) -> None:
    """The Service is made with the default, which the API server fills in and which must hold; then it gets the short timeout.

    One client that moved is enough: the others need not be asked any more.
    """
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)])
    with stage.step("default"):
        stage.objects.service(SERVICE, sessionAffinity="ClientIP")
        stage.slices(SERVICE, lambda slices: len(ready(slices)) > 1)
        stage.until(probes, all_reached)
    with stage.step("held"):
        answers = stage.ask(probes, OFTEN)
    first = {probe: set(answer.servers) for probe, answer in answers.items()}
    with stage.step("short"):
        stage.objects.patch("Service", SERVICE, {"spec": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}}}})
    for number in range(AFFINITY_ROUNDS):
        stage.pause(AFFINITY_SECONDS + 1.0)
        with stage.step(f"after-{number}"):
            answers = stage.ask(probes, THRICE)
        if any(first[probe] and set(answer.servers) - first[probe] for probe, answer in answers.items()):
            return
