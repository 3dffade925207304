"""One scenario: what it observed step by step, and what is documented."""

from __future__ import annotations

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.plan.scenarios import ScenarioPlan

from . import steps_backends, steps_changes, steps_outside, steps_pods, steps_services
from .comparison import Compared
from .observations import Observations
from .steps import Steps


class ScenarioEvidence(Compared):
    """`scenario.internal_policy`, `scenario.expected_internal_policy`, `scenario.explain("internal_policy")`, and so on."""

    comparisons = {  # noqa: RUF012
        **steps_backends.COMPARISONS,
        **steps_changes.COMPARISONS,
        **steps_outside.COMPARISONS,
        **steps_pods.COMPARISONS,
        **steps_services.COMPARISONS,
    }

    def __init__(self, recording: Recording, inventory: Inventory, plan: ScenarioPlan, observations: Observations) -> None:
        super().__init__(Steps(recording, inventory, plan, observations), f"scenario {plan}")
