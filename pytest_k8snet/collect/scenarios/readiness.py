"""The only backend of a Service stops being ready and becomes ready again.

Its kubelet looks for a file, so that no network takes part in the change itself.
"""

from __future__ import annotations

from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .endpoints import ready
from .pods import arguments, role
from .stage import TWICE, Stage, all_reached, lost_alone

SERVICE = "readiness"
FILE = "/run/k8snet/ready"
ROLE = role("readiness")


def play(stage: Stage) -> None:
    """Every change is waited for in the EndpointSlices first: what follows is the data plane's part.

    While it is not ready the backend itself is asked too: it still answers, so that silence is the Service's.
    """
    node = stage.nodes[-1]
    probes = stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)])
    with stage.step("ready"):
        stage.pods.create(ROLE, node, arguments("--ready-file", FILE), _probed)
        stage.objects.service(SERVICE, selector={"k8snet/run": stage.run, "k8snet/role": ROLE.name})
        backend = stage.probes([stage.pods.ready(ROLE, node)])
        stage.slices(SERVICE, lambda slices: bool(ready(slices)))
        stage.until(probes, all_reached)
    stream = stage.pods.stream(ROLE, node)
    try:
        with stage.step("unready"):
            stage.tell(stream, "ready", ready=False)
            stage.slices(SERVICE, lambda slices: bool(slices) and not ready(slices))
            stage.until(probes + backend, lost_alone(probes), TWICE)
        with stage.step("ready-again"):
            stage.tell(stream, "ready", ready=True)
            stage.slices(SERVICE, lambda slices: bool(ready(slices)))
            stage.until(probes, all_reached)
    finally:
        stream.close()


def _probed(manifest: dict[str, Any]) -> None:
    """The image has an interpreter for the agent, and perhaps no other program."""
    command = ["python3", "-I", "-S", "-c", f"open({FILE!r})"]
    probe = {"exec": {"command": command}, "periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 5}
    manifest["spec"]["containers"][0]["readinessProbe"] = probe
