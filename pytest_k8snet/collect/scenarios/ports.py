"""A Service with several ports: one number for TCP and UDP, targets by name and by number."""

from __future__ import annotations

from pytest_k8snet.collect import manifests
from pytest_k8snet.collect.manifests_services import PORT
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.probe import Action

from .endpoints import ready
from .stage import Stage, all_reached

SERVICE = "ports"
PORTS = (
    {"name": "tcp", "protocol": "TCP", "port": PORT, "targetPort": "echo"},
    {"name": "udp", "protocol": "UDP", "port": PORT, "targetPort": "echo-udp"},
    {"name": "number", "protocol": "TCP", "port": PORT + 1, "targetPort": manifests.SECOND_PORT},
    {"name": "name", "protocol": "TCP", "port": PORT + 2, "targetPort": "second"},
)


def play(stage: Stage) -> None:
    """Backends say at which of their ports a request came in."""
    with stage.step("asked"):
        body = stage.objects.service(SERVICE, ports=list(PORTS))
        for name in ("number", "name"):
            stage.objects.known(body, f"{SERVICE}-{name}", name)
        stage.objects.known(body, SERVICE, "tcp")
        stage.slices(SERVICE, lambda slices: bool(ready(slices)))
        probes = stage.probes([Endpoint(EndpointKind.SERVICE, name) for name in (SERVICE, f"{SERVICE}-number", f"{SERVICE}-name")])
        probes += stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)], Action.UDP)
        stage.until(probes, all_reached)
