"""A NodePort with its backends on one node, asked from outside and from within: under externalTrafficPolicy Cluster, then Local."""

from __future__ import annotations

from pytest_k8snet.collect import manifests
from pytest_k8snet.collect.runner import RUNNER
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.probe import Action

from .endpoints import ready
from .stage import TWICE, Stage, all_reached, both, lost_alone, seen_as

SERVICE = "external-policy"


def play(stage: Stage) -> None:
    """That every node answered before, from outside too, shows that the later silence is the policy's.

    Each node learns of the change by itself: silence shows it where no backend is, the client's own address where one is.
    """
    selector = {"k8snet/run": stage.run, manifests.POOL: manifests.POOL_OF_ECHO, manifests.PLACE: "0"}
    inside = stage.probes(_port)
    outside = [stage.probe(Action.TCP, RUNNER, _port(node)) for node in stage.nodes]
    with stage.step("cluster"):
        stage.objects.service(SERVICE, type="NodePort", selector=selector)
        stage.slices(SERVICE, lambda slices: bool(ready(slices)))
        stage.until(inside + outside, all_reached)
    with stage.step("local"):
        stage.objects.patch("Service", SERVICE, {"spec": {"externalTrafficPolicy": "Local"}})
        arrived = lost_alone(outside[1:])
        kept = seen_as(stage.outside, outside[0]) if stage.outside else arrived
        stage.until(inside + outside, both(arrived, kept), TWICE)


def _port(node: str) -> Endpoint:
    return Endpoint(EndpointKind.NODE_PORT, SERVICE, node)
