"""A Service with its backends on one node: first for everybody, then for the clients of that node alone (internalTrafficPolicy Local)."""

from __future__ import annotations

from pytest_k8snet.collect import manifests
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .endpoints import ready
from .stage import TWICE, Stage, all_reached, lost_alone

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
        stage.until(probes, lost_alone([probe for probe in probes if probe.source.node != stage.nodes[0]]), TWICE)
