"""What the records of scenarios with Services show, beside what the Service documentation says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Observation, Outcome
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.scenarios import AFFINITY_REQUESTS

from .comparison import Comparison
from .steps import NO_ANSWER, Steps, ending, from_pod, unheard
from .steps_endpoints import by_node
from .steps_table import Table

OWN, SILENCE = "answers of backends of its own node", "no answer (timeout)"
ONE, SEVERAL = "one backend", "several backends"
DOCUMENTED = "Kubernetes Service documentation"


def internal_policy(steps: Steps) -> Comparison:
    """Who answers on each node once the policy is Local."""
    table = Table(f"Service internal-policy, internalTrafficPolicy Local ({DOCUMENTED})")
    backends = by_node(steps, "cluster", "internal-policy")
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "internal-policy"))
        if not (before := steps.answer("cluster", probe)).reached:
            table.skip("cluster", probe, f"{ending(before)} before the policy was changed, see NET-SERVICE-001")
            continue
        after, own = steps.answer("local", probe), backends.get(node, frozenset())
        note = f"backends of {node}: {', '.join(sorted(own)) or 'none'}; {steps.seconds('local'):.1f} s after the change"
        table.row("local", probe, _local(after, own), OWN if own else SILENCE, note)
    return table.comparison()


def cluster_ip_affinity(steps: Steps) -> Comparison:
    """Over how many backends the requests of one client to the ClusterIP are spread, with affinity and without."""
    return _affinity(steps, lambda _node: Endpoint(EndpointKind.SERVICE, "affinity"), "ClusterIP of Service affinity", "NET-SERVICE-001")


def node_port_affinity(steps: Steps) -> Comparison:
    """The same for the NodePort of the client's own node."""
    return _affinity(
        steps, lambda node: Endpoint(EndpointKind.NODE_PORT, "affinity", node), "NodePort of Service affinity", "NET-SERVICE-007"
    )


COMPARISONS: Mapping[str, Callable[[Steps], Comparison]] = {
    "internal_policy": internal_policy,
    "cluster_ip_affinity": cluster_ip_affinity,
    "node_port_affinity": node_port_affinity,
}


def _affinity(steps: Steps, target: Callable[[str], Endpoint], what: str, reach: str) -> Comparison:
    table = Table(f"{what}, sessionAffinity ClientIP, then None ({DOCUMENTED})")
    backends = sum(map(len, by_node(steps, "before", "affinity").values()))
    for node in steps.inventory.names:
        probe = from_pod(steps, node, target(node))
        if backends < 2:
            table.skip("before", probe, f"the Service has {backends} ready backends, so that nothing can be told apart")
            continue
        if not (before := steps.answer("before", probe)).reached:
            table.skip("before", probe, f"{ending(before)}, see {reach}")
            continue
        for step, wanted in (("on", ONE), ("off", SEVERAL)):
            found = steps.answer(step, probe)
            table.row(step, probe, _drawn(found), wanted, ending(found))
    return table.comparison()


def _drawn(observation: Observation) -> str:
    if observation.outcome is not Outcome.REACHED:
        return ending(observation)
    if len({sample.reply.get("server") for sample in observation.reached}) > 1:
        return SEVERAL
    if len(observation.samples) < AFFINITY_REQUESTS:
        raise Inconclusive(f"not observed: {len(observation.samples)} of {AFFINITY_REQUESTS} requests of {observation.probe.source}")
    return ONE


def _local(observation: Observation, own: frozenset[str]) -> str:
    if unheard(observation) == NO_ANSWER and observation.outcome is Outcome.TIMEOUT:
        return SILENCE
    servers = {str(sample.reply.get("server")) for sample in observation.reached}
    return OWN if observation.outcome is Outcome.REACHED and servers <= own else ending(observation)
