"""What clients of a Service see while its backends come, go and are replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Observation, Outcome
from pytest_k8snet.model.probe import Action, Probe
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.scenarios import AFFINITY_REQUESTS

from .comparison import Comparison
from .steps import ANSWER, Steps, answered, ending, from_pod
from .steps_endpoints import behind, ending_ones, listed
from .steps_table import Table, before, silence

DOCUMENTED = "Kubernetes Service documentation"
UNCHANGED = "before anything was changed, see NET-SERVICE-001"


def readiness(steps: Steps) -> Comparison:
    """Whether a backend is left when it is not ready, and comes back."""
    table = Table("Service readiness with one backend, within a bound after its EndpointSlice changed (Kubernetes conformance)")
    backend = steps.pod("readiness")
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "readiness"))
        if before(table, steps, "ready", probe, UNCHANGED):
            note = f"{steps.seconds('unready'):.1f} s after the change; {backend} itself answers"
            silence(table, steps, "unready", probe, from_pod(steps, node, backend), note)
            found = answered(steps.answer("ready-again", probe))
            table.row("ready-again", probe, found, ANSWER, f"{steps.seconds('ready-again'):.1f} s after the change")
    return table.comparison()


def terminating(steps: Steps) -> Comparison:
    """Who answers while one backend is ending: nobody but the ready one where there is one, else the ending one."""
    table = Table("Services ending-alone and ending-beside while one backend is terminating (KEP-1669)")
    going = behind(steps, "alone", "ending-alone")
    staying = behind(steps, "beside", "ending-beside") - going
    _require_ending(steps, going)
    for node in steps.inventory.names:
        alone, beside = (from_pod(steps, node, Endpoint(EndpointKind.SERVICE, f"ending-{name}")) for name in ("alone", "beside"))
        if before(table, steps, "alone", alone, UNCHANGED):
            note = "all backends are terminating, and this one still serves"
            table.row("ending-alone", alone, ending(steps.answer("ending-alone", alone)), _reached(going), note)
        if _heard_both(table, steps, beside):
            table.row(
                "ending-beside", beside, _drawn(steps.answer("ending-beside", beside)), _reached(staying), "the backend that is ready"
            )
    return table.comparison()


def udp_flow(steps: Steps) -> Comparison:
    """Who answers a client that keeps its source port, once the backend was replaced."""
    table = Table(f"UDP Service udp-flow, one source port, backend replaced ({DOCUMENTED})")
    old, new = behind(steps, "first", "udp-flow"), behind(steps, "replaced", "udp-flow")
    if not new or old & new:
        raise Inconclusive(f"not assessed: backends {_words(old)} of Service udp-flow were not replaced, they became {_words(new)}")
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "udp-flow"), Action.UDP)
        if before(table, steps, "first", probe, UNCHANGED):
            port = _one_port(steps.answer("first", probe), steps.answer("replaced", probe))
            note = f"from port {port} as before, {steps.seconds('replaced'):.1f} s after the EndpointSlice changed"
            table.row("replaced", probe, ending(steps.answer("replaced", probe)), _reached(new), note)
    return table.comparison()


def selectorless(steps: Steps) -> Comparison:
    """Which of the listed endpoints answer."""
    table = Table(f"Service selectorless with an EndpointSlice of its own ({DOCUMENTED})")
    wanted = listed(steps, steps.body("listed", "EndpointSlice/selectorless"))
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "selectorless"))
        found = steps.answer("listed", probe)
        whole = found.outcome is Outcome.REACHED
        table.row("listed", probe, _words(_servers(found)) if whole else ending(found), _words(wanted), "the listed endpoints")
    return table.comparison()


COMPARISONS: Mapping[str, Callable[[Steps], Comparison]] = {
    "readiness": readiness,
    "terminating": terminating,
    "udp_flow": udp_flow,
    "selectorless": selectorless,
}


def _require_ending(steps: Steps, going: frozenset[str]) -> None:
    """Raises Inconclusive unless the deleted pod was terminating and serving from the first question to the last."""
    for step, service in (("ending-beside", "ending-beside"), ("ending-alone", "ending-alone")):
        if (found := ending_ones(steps, step, service)) != going or not going:
            shown = _words(found) or "no endpoint"
            raise Inconclusive(f"not assessed: step {step}: {shown} of Service {service} is terminating and serves, not {_words(going)}")


def _heard_both(table: Table, steps: Steps, beside: Probe) -> bool:
    """Whether the client had answers of both backends while both were ready: else it says nothing that it hears one only."""
    if not before(table, steps, "beside", beside, UNCHANGED):
        return False
    if len(_servers(found := steps.answer("beside", beside))) < 2:
        table.skip("beside", beside, f"{ending(found)} only, while both backends were ready")
        return False
    return True


def _drawn(observation: Observation) -> str:
    """How it ended, where one backend alone is right. Raises Inconclusive where too few tries might have missed another one."""
    one = len(_servers(observation)) == 1 and observation.outcome is Outcome.REACHED
    if one and len(observation.samples) < AFFINITY_REQUESTS:
        raise Inconclusive(f"not observed: {len(observation.samples)} of {AFFINITY_REQUESTS} requests of {observation.probe.source}")
    return ending(observation)


def _one_port(first: Observation, second: Observation) -> int:
    """The source port of the flow. Raises Inconclusive where it was not one and the same."""
    ports = {int(sample.detail.get("local_port") or 0) for found in (first, second) for sample in found.samples}
    if len(ports) != 1 or 0 in ports:
        raise Inconclusive(f"not observed: {first.probe.source} did not keep its source port")
    return ports.pop()


def _servers(observation: Observation) -> frozenset[str]:
    return frozenset(str(sample.reply.get("server")) for sample in observation.reached)


def _reached(names: frozenset[str]) -> str:
    return f"reached {_words(names)}"


def _words(names: frozenset[str]) -> str:
    return " ".join(sorted(names))
