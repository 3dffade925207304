"""A NodePort with externalTrafficPolicy Local and its backends on one node, asked from outside the cluster and from within."""

from __future__ import annotations

from pytest_k8snet.collect import manifests
from pytest_k8snet.collect.requests import Sampling
from pytest_k8snet.collect.runner import RUNNER
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.probe import Action

from .endpoints import ready
from .stage import Stage, all_reached

SERVICE = "external-policy"


def play(stage: Stage) -> None:
    """That the ClusterIP answers everywhere shows that every node knows the Service, so that silence means something."""
    selector = {"k8snet/run": stage.run, manifests.POOL: manifests.POOL_OF_ECHO, manifests.PLACE: "0"}
    with stage.step("cluster-ip"):
        stage.objects.service(SERVICE, type="NodePort", externalTrafficPolicy="Local", selector=selector)
        stage.slices(SERVICE, lambda slices: bool(ready(slices)))
        stage.until(stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)]), all_reached)
    with stage.step("inside"):
        stage.ask(stage.probes(_port))
    with stage.step("outside"):
        stage.ask([stage.probe(Action.TCP, RUNNER, _port(node)) for node in stage.nodes], Sampling(2, 0))


def _port(node: str) -> Endpoint:
    return Endpoint(EndpointKind.NODE_PORT, SERVICE, node)
