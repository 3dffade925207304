"""One Service for each ipFamilyPolicy, asked at every address that the API gave it."""

from __future__ import annotations

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.probe import Action

from .stage import Stage, all_reached

POLICIES = {"family-single": "SingleStack", "family-prefer": "PreferDualStack", "family-require": "RequireDualStack"}


def play(stage: Stage) -> None:
    """Which addresses there should be is not for here: what the API gave is asked."""
    probes = []
    with stage.step("asked"):
        for name, policy in POLICIES.items():
            body = stage.objects.service(name, ipFamilyPolicy=policy)
            for family in stage.families_of(body["spec"]["clusterIPs"]):
                target = Endpoint(EndpointKind.SERVICE, name)
                sources = [Endpoint(EndpointKind.POD, "a", node) for node in stage.nodes]
                probes += [stage.probe(Action.TCP, source, target, family) for source in sources]
        stage.until(probes, all_reached)
