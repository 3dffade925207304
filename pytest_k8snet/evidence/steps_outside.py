"""What comes from outside the cluster: externalTrafficPolicy Local and the port for health checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Observation, Outcome
from pytest_k8snet.model.probe import Action, Probe
from pytest_k8snet.plan.available import RUNNER

from .cells import canonical
from .comparison import Comparison
from .steps import ANSWER, Steps, answered, ending, family_of, from_pod
from .steps_endpoints import by_node
from .steps_table import Table

SERVICE = "external-policy"
SILENCE = "no answer (timeout)"
POLICY = "Kubernetes, virtual IPs: traffic policies"


def client_kept(steps: Steps) -> Comparison:
    """Which address a backend sees of a client outside the cluster, at nodes that have one."""
    table = Table(f"NodePort of Service {SERVICE} with externalTrafficPolicy Local, asked from outside ({POLICY})")
    runner = next((str(event["address"]) for event in steps.recording.entries("events", what="runner")), "")
    for node in by_node(steps, "cluster-ip", SERVICE):
        probe = _outside(steps, node)
        found = steps.answer("outside", probe)
        if found.outcome is not Outcome.REACHED:
            table.skip("outside", probe, f"{ending(found)}, so that nobody saw the client")
            continue
        seen = {canonical(str(sample.reply.get("peer", ""))) for sample in found.reached}
        table.row("outside", probe, " ".join(sorted(seen)), canonical(runner), "the client's own address")
    return table.comparison()


def nodes_without_backend(steps: Steps) -> Comparison:
    """Who gets an answer at nodes without a backend: nobody from outside, everybody from the node itself."""
    table = Table(f"NodePort of Service {SERVICE} with externalTrafficPolicy Local, at nodes without a backend ({POLICY})")
    backends = by_node(steps, "cluster-ip", SERVICE)
    heard = any(steps.answer("outside", _outside(steps, node)).reached for node in backends)
    for node in steps.inventory.names:
        if node in backends:
            continue
        inside = from_pod(steps, node, Endpoint(EndpointKind.NODE_PORT, SERVICE, node))
        if not steps.answer("cluster-ip", from_pod(steps, node, Endpoint(EndpointKind.SERVICE, SERVICE))).reached:
            table.skip("inside", inside, "the ClusterIP does not answer there either, see NET-SERVICE-001")
            continue
        table.row("inside", inside, answered(steps.answer("inside", inside)), ANSWER, "clients in the cluster")
        if heard:
            table.row(
                "outside", _outside(steps, node), _silence(steps.answer("outside", _outside(steps, node))), SILENCE, f"no backend on {node}"
            )
        else:
            table.skip("outside", _outside(steps, node), "nodes with a backend do not answer this client either")
    return table.comparison()


def health_port(steps: Steps) -> Comparison:
    """HTTP status of the health check port of every node, while the backend is ready and when only an ending one is left."""
    table = Table("healthCheckNodePort of Service ending-alone (Kubernetes, source IP: LoadBalancer with externalTrafficPolicy Local)")
    backends = by_node(steps, "both", "ending-alone")
    for step, ready in (("both", set(backends)), ("ending-alone", set[str]())):
        facts = steps.facts(step, "health")
        for node in steps.inventory.names:
            fact = facts.get(node)
            if fact is None or not fact.get("code"):
                table.skip(step, f"health of {node}", str((fact or {}).get("error") or "not read"))
                continue
            table.row(step, f"health of {node}", f"HTTP {fact['code']}", f"HTTP {200 if node in ready else 503}", str(fact["source"]))
    return table.comparison()


COMPARISONS: Mapping[str, Callable[[Steps], Comparison]] = {
    "client_kept": client_kept,
    "nodes_without_backend": nodes_without_backend,
    "health_port": health_port,
}


def _outside(steps: Steps, node: str) -> Probe:
    return Probe(Action.TCP, RUNNER, Endpoint(EndpointKind.NODE_PORT, SERVICE, node), "", family_of(steps))


def _silence(observation: Observation) -> str:
    return SILENCE if observation.outcome is Outcome.TIMEOUT else ending(observation)
