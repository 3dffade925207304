"""What comes from outside the cluster: externalTrafficPolicy Local and the port for health checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address, ip_network

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Action, Probe
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.available import RUNNER

from .cells import canonical
from .comparison import Comparison
from .steps import ANSWER, NO_ANSWER, Steps, answered, ending, family_of, from_pod, unheard
from .steps_endpoints import by_node, ending_ones
from .steps_table import Table, before

SERVICE, ENDING = "external-policy", "ending-alone"
SILENCE = "no answer (timeout)"
POLICY = "Kubernetes, virtual IPs: traffic policies"


def client_kept(steps: Steps) -> Comparison:
    """Which address a backend sees of a client outside the cluster, at nodes that have one."""
    table = Table(f"NodePort of Service {SERVICE} with externalTrafficPolicy Local, asked from outside ({POLICY})")
    if not (client := _client(steps)):
        raise Inconclusive("not observed: under which address this process reaches the nodes is not known")
    _require_local(steps)
    for node in by_node(steps, "cluster", SERVICE):
        probe = _outside(steps, node)
        found = steps.answer("local", probe)
        if found.outcome is not Outcome.REACHED:
            table.skip("local", probe, f"{ending(found)}, so that nobody saw the client")
            continue
        seen = {canonical(str(sample.reply.get("peer") or "")) for sample in found.reached}
        if "" in seen:
            raise Inconclusive(f"not observed: a backend did not tell whom it saw at node {node}")
        table.row("local", probe, " ".join(sorted(seen)), client, "the client's own address")
    return table.comparison()


def nodes_without_backend(steps: Steps) -> Comparison:
    """Who gets an answer at nodes without a backend: nobody from outside, but clients in the cluster, as everywhere."""
    table = Table(f"NodePort of Service {SERVICE} with externalTrafficPolicy Local, at nodes without a backend ({POLICY})")
    backends = by_node(steps, "cluster", SERVICE)
    _client(steps)
    _require_local(steps)
    if set(steps.inventory.names) <= set(backends):
        raise Inconclusive(f"not assessed: every node has a backend of Service {SERVICE}")
    for node in steps.inventory.names:
        inside, outside = from_pod(steps, node, Endpoint(EndpointKind.NODE_PORT, SERVICE, node)), _outside(steps, node)
        note = f"{'a' if node in backends else 'no'} backend on {node}; {steps.seconds('local'):.1f} s after the change"
        if before(table, steps, "cluster", inside, "under policy Cluster, see NET-SERVICE-007"):
            table.row("local", inside, answered(steps.answer("local", inside)), ANSWER, note)
        if node not in backends and before(table, steps, "cluster", outside, "under policy Cluster, see NET-SERVICE-009"):
            _dropped(table, steps, outside, backends, note)
    return table.comparison()


def health_port(steps: Steps) -> Comparison:
    """HTTP status of the health check port of every node, while the backend is ready and when only an ending one is left."""
    table = Table(f"healthCheckNodePort of Service {ENDING} (Kubernetes, source IP: LoadBalancer with externalTrafficPolicy Local)")
    made = steps.created("alone", "Service").get(ENDING) or {"spec": {}}
    if not made["spec"].get("healthCheckNodePort"):
        raise Inconclusive(f"not observed: the API gave Service {ENDING} no healthCheckNodePort")
    backends = by_node(steps, "alone", ENDING)
    if not ending_ones(steps, "ending-alone", ENDING):
        raise Inconclusive(f"not observed: no backend of Service {ENDING} was terminating and serving any more")
    for step, ready in (("alone", set(backends)), ("ending-alone", set[str]())):
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


def _dropped(table: Table, steps: Steps, probe: Probe, backends: Iterable[str], note: str) -> None:
    """A row for a client outside, if nodes with a backend answer the same client at the same time."""
    found = steps.answer("local", probe)
    silent = unheard(found) == NO_ANSWER
    if silent and not any(steps.answer("local", _outside(steps, node)).outcome is Outcome.REACHED for node in backends):
        table.skip("local", probe, "nodes with a backend do not answer this client either")
    else:
        table.row("local", probe, SILENCE if found.outcome is Outcome.TIMEOUT and silent else ending(found), SILENCE, note)


def _client(steps: Steps) -> str:
    """Address of this process, "" if it is not known. Raises Inconclusive where it is one of the cluster: then nobody is outside."""
    known = next((str(event.get("address") or "") for event in steps.recording.entries("events", what="runner")), "")
    for node in steps.inventory.nodes if known else ():
        if known in node.internal_ips or any(ip_address(known) in ip_network(cidr) for cidr in node.pod_cidrs):
            raise Inconclusive(f"not observed: this process runs on node {node.name} ({known}): nobody asked from outside the cluster")
    return canonical(known) if known else ""


def _require_local(steps: Steps) -> None:
    policy = steps.body("local", f"Service/{SERVICE}")["spec"].get("externalTrafficPolicy")
    if policy != "Local":
        raise Inconclusive(f"not observed: externalTrafficPolicy of Service {SERVICE} became {policy}, not Local")


def _outside(steps: Steps, node: str) -> Probe:
    return Probe(Action.TCP, RUNNER, Endpoint(EndpointKind.NODE_PORT, SERVICE, node), "", family_of(steps))
