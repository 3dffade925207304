"""What clients of a Service see while its backends come, go and are replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Action, Probe

from .comparison import Comparison
from .steps import ANSWER, NO_ANSWER, Steps, answered, ending, from_pod
from .steps_endpoints import behind, listed
from .steps_table import Table

DOCUMENTED = "Kubernetes Service documentation"


def readiness(steps: Steps) -> Comparison:
    """Whether a backend is left when it is not ready, and comes back."""
    table = Table("Service readiness with one backend, within a bound after its EndpointSlice changed (Kubernetes conformance)")
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "readiness"))
        if _assessed(table, steps, "ready", probe):
            for step, wanted in (("unready", NO_ANSWER), ("ready-again", ANSWER)):
                table.row(step, probe, answered(steps.answer(step, probe)), wanted, f"{steps.seconds(step):.1f} s after the change")
    return table.comparison()


def terminating(steps: Steps) -> Comparison:
    """Who answers while one backend is ending: nobody but the ready one where there is one, else the ending one."""
    table = Table("Services ending-alone and ending-beside while one backend is terminating (KEP-1669)")
    going = behind(steps, "both", "ending-alone")
    staying = behind(steps, "both", "ending-beside") - going
    for node in steps.inventory.names:
        for step, name, wanted, note in (
            ("ending-beside", "ending-beside", staying, "the backend that is ready"),
            ("ending-alone", "ending-alone", going, "all backends are terminating, and this one still serves"),
        ):
            probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, name))
            if _assessed(table, steps, "both", probe):
                table.row(step, probe, ending(steps.answer(step, probe)), f"reached {' '.join(sorted(wanted))}", note)
    return table.comparison()


def udp_flow(steps: Steps) -> Comparison:
    """Who answers a client that keeps its source port, once the backend was replaced."""
    table = Table(f"UDP Service udp-flow, one source port, backend replaced ({DOCUMENTED})")
    wanted = f"reached {' '.join(sorted(behind(steps, 'replaced', 'udp-flow')))}"
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "udp-flow"), Action.UDP)
        if _assessed(table, steps, "first", probe):
            note = f"{steps.seconds('replaced'):.1f} s after the EndpointSlice changed"
            table.row("replaced", probe, ending(steps.answer("replaced", probe)), wanted, note)
    return table.comparison()


def selectorless(steps: Steps) -> Comparison:
    """Which of the listed endpoints answer."""
    table = Table(f"Service selectorless with an EndpointSlice of its own ({DOCUMENTED})")
    wanted = listed(steps, steps.body("listed", "EndpointSlice/selectorless"))
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "selectorless"))
        found = steps.answer("listed", probe)
        servers = {str(sample.reply.get("server")) for sample in found.reached}
        whole = found.outcome is Outcome.REACHED
        table.row("listed", probe, " ".join(sorted(servers)) if whole else ending(found), " ".join(sorted(wanted)), "the listed endpoints")
    return table.comparison()


COMPARISONS: Mapping[str, Callable[[Steps], Comparison]] = {
    "readiness": readiness,
    "terminating": terminating,
    "udp_flow": udp_flow,
    "selectorless": selectorless,
}


def _assessed(table: Table, steps: Steps, step: str, probe: Probe) -> bool:
    """Whether the client reached the Service before anything was changed."""
    before = steps.answer(step, probe)
    if before.outcome is not Outcome.REACHED:
        table.skip(step, probe, f"{ending(before)} before anything was changed, see NET-SERVICE-001")
    return before.outcome is Outcome.REACHED
