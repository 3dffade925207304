"""One Service changes its type: ExternalName, ClusterIP, NodePort and back."""

from __future__ import annotations

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind

from .stage import TWICE, Stage, all_reached, lost_alone

SERVICE = "retype"
ELSEWHERE = {"type": "ExternalName", "externalName": "kubernetes.default.svc"}


def play(stage: Stage) -> None:
    """Addresses that were given up are asked again: nobody may answer there any more, while what is left to ask answers."""
    backends = stage.probes([Endpoint(EndpointKind.POD, "b", stage.nodes[-1])])
    clusters = stage.probes([Endpoint(EndpointKind.SERVICE, SERVICE)])
    nodes = stage.probes(lambda node: Endpoint(EndpointKind.NODE_PORT, f"{SERVICE}-port", node))
    with stage.step("external-name"):
        stage.objects.create("Service", SERVICE, {"spec": {**stage.objects.spec(), **ELSEWHERE}})
    with stage.step("cluster-ip"):
        stage.objects.known(stage.objects.patch("Service", SERVICE, {"spec": {"type": "ClusterIP", "externalName": None}}))
        stage.until(clusters, all_reached)
    with stage.step("node-port"):
        stage.objects.known(stage.objects.patch("Service", SERVICE, {"spec": {"type": "NodePort"}}), f"{SERVICE}-port")
        stage.until(clusters + nodes, all_reached)
    with stage.step("cluster-ip-again"):
        stage.objects.patch("Service", SERVICE, {"spec": {"type": "ClusterIP"}})
        stage.until(clusters + nodes, lost_alone(nodes), TWICE)
    with stage.step("external-name-again"):
        stage.objects.patch("Service", SERVICE, {"spec": ELSEWHERE})
        stage.until(clusters + backends, lost_alone(clusters), TWICE)
