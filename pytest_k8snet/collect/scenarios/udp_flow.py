"""A client that never changes its source port, while the only backend of a UDP Service is replaced by another."""

from __future__ import annotations

from pytest_k8snet.collect import manifests
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.probe import Action

from .endpoints import ready
from .stage import Stage, all_reached, only_from

SERVICE = "udp-flow"
CLIENT_PORT = 7810


def play(stage: Stage) -> None:
    """The old backend goes on running, so that a stale entry of the connection table would be seen as its answer."""
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)], Action.UDP)
    with stage.step("first"):
        stage.objects.service(SERVICE, selector=_selector(stage, 0))
        old = ready(stage.slices(SERVICE, lambda slices: bool(ready(slices))))
        stage.until(probes, all_reached, local_port=CLIENT_PORT)
    with stage.step("replaced"):
        stage.objects.patch("Service", SERVICE, {"spec": {"selector": _selector(stage, 1)}})
        stage.slices(SERVICE, lambda slices: bool(ready(slices)) and not set(ready(slices)) & set(old))
        stage.until(probes, only_from(Endpoint(EndpointKind.POD, "b", stage.nodes[1])), local_port=CLIENT_PORT)


def _selector(stage: Stage, place: int) -> dict[str, str]:
    return {"k8snet/run": stage.run, "k8snet/role": "b", manifests.PLACE: str(place)}
