"""A Service without a selector, with endpoints that the run wrote itself."""

from __future__ import annotations

from pytest_k8snet.collect.requests import Sampling
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .stage import Stage, from_several

SERVICE = "selectorless"
LISTED = 2
MANY = Sampling(1, 0, until=LISTED, maximum=40)  # that one of two backends is never drawn does not happen by chance


def play(stage: Stage) -> None:
    """Two pods are listed, on different nodes where there are several."""
    listed = [Endpoint(EndpointKind.POD, "a", stage.nodes[0]), Endpoint(EndpointKind.POD, "b", stage.nodes[-1])]
    with stage.step("listed"):
        stage.objects.service(SERVICE, selector=None)
        stage.objects.slice(SERVICE, map(stage.address_of, listed))
        stage.until(stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)]), from_several(LISTED), MANY)
