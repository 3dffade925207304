"""The only backend of a Service stops being ready and becomes ready again.

Its kubelet looks for a file, so that no network takes part in the change itself.
"""

from __future__ import annotations

from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .endpoints import ready
from .pods import arguments, role
from .stage import Stage, all_lost, all_reached

SERVICE = "readiness"
FILE = "/run/k8snet/ready"
ROLE = role("readiness")


def play(stage: Stage) -> None:
    """Every change is waited for in the EndpointSlices first: what follows is the data plane's part."""
    node = stage.nodes[-1]
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)])
    with stage.step("ready"):
        stage.pods.create(ROLE, node, arguments("--ready-file", FILE), _probed)
        stage.objects.service(SERVICE, selector={"k8snet/run": stage.run, "k8snet/role": ROLE.name})
        stage.pods.ready(ROLE, node)
        stage.slices(SERVICE, lambda slices: bool(ready(slices)))
        stage.until(probes, all_reached)
    stream = stage.pods.stream(ROLE, node)
    with stage.step("unready"):
        stage.tell(stream, "ready", ready=False)
        stage.slices(SERVICE, lambda slices: not ready(slices))
        stage.until(probes, all_lost)
    with stage.step("ready-again"):
        stage.tell(stream, "ready", ready=True)
        stage.slices(SERVICE, lambda slices: bool(ready(slices)))
        stage.until(probes, all_reached)
    stream.close()


def _probed(manifest: dict[str, Any]) -> None:
    probe = {"exec": {"command": ["cat", FILE]}, "periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 5}
    manifest["spec"]["containers"][0]["readinessProbe"] = probe
