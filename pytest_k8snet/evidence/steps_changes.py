"""Ports, types, families and timeouts of Services: what clients get from what the specification says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Observation, Outcome
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.scenarios import AFFINITY_REQUESTS, AFFINITY_ROUNDS, AFFINITY_SECONDS

from .comparison import Comparison
from .steps import ANSWER, Steps, answered, ending, from_pod
from .steps_endpoints import behind
from .steps_table import Table, before, silence

CONFORMANCE, DOCUMENTED = "Kubernetes conformance", "Kubernetes Service documentation"
DEFAULT_TIMEOUT = 10800  # s, of ClientIP affinity (Kubernetes, virtual IPs: session affinity)
MOVED, STAYED = "some client moved", "every client stayed"
ONE, SEVERAL = "one backend", "several backends"
TIMED = "affinity-timeout"
TYPES = {"cluster-ip": "ClusterIP", "node-port": "NodePort", "cluster-ip-again": "ClusterIP", "external-name-again": "ExternalName"}
POLICIES = {"family-single": "SingleStack", "family-prefer": "PreferDualStack", "family-require": "RequireDualStack"}


def ports(steps: Steps) -> Comparison:
    """At which port of a backend the requests to each port of the Service come in."""
    table = Table(f"Service ports: one number for TCP and UDP, targets by number and by name ({CONFORMANCE})")
    spec = {port["name"]: port for port in steps.body("asked", "Service/ports")["spec"]["ports"]}
    for name, target in (("tcp", "ports"), ("udp", "ports"), ("number", "ports-number"), ("name", "ports-name")):
        wanted = _port(steps, name, spec[name]["targetPort"])
        for node in steps.inventory.names:
            probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, target), Action(spec[name]["protocol"].lower()))
            note = f"port {spec[name]['port']}/{spec[name]['protocol']} has targetPort {spec[name]['targetPort']}"
            table.row("asked", probe, _arrived(steps.answer("asked", probe)), f"port {wanted}", note)
    return table.comparison()


def types(steps: Steps) -> Comparison:
    """Whether the addresses of each type answer, and those that were given up do not while the client reaches something else."""
    table = Table(f"Service retype: ExternalName, ClusterIP, NodePort and back ({CONFORMANCE})")
    backend = Endpoint(EndpointKind.POD, "b", steps.inventory.names[-1])
    for step, kind in TYPES.items():
        table.row(step, "type", str(steps.body(step, "Service/retype")["spec"].get("type")), kind)
    for node in steps.inventory.names:
        inner = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "retype"))
        outer = from_pod(steps, node, Endpoint(EndpointKind.NODE_PORT, "retype-port", node))
        for step, probe in (("cluster-ip", inner), ("node-port", inner), ("node-port", outer), ("cluster-ip-again", inner)):
            table.row(step, probe, answered(steps.answer(step, probe)), ANSWER, _after(steps, step))
        for step, probe, beside in (
            ("cluster-ip-again", outer, inner),
            ("external-name-again", inner, from_pod(steps, node, backend)),
        ):
            silence(table, steps, step, probe, beside, _after(steps, step))
    return table.comparison()


def affinity_timeout(steps: Steps) -> Comparison:
    """The default that the API server filled in, and whether clients that it held move once a short timeout is over."""
    table = Table(f"Service affinity-timeout, sessionAffinity ClientIP ({DOCUMENTED})")
    for step, wanted in (("default", DEFAULT_TIMEOUT), ("short", AFFINITY_SECONDS)):
        config = steps.body(step, f"Service/{TIMED}")["spec"].get("sessionAffinityConfig") or {}
        table.row(step, "timeoutSeconds", str((config.get("clientIP") or {}).get("timeoutSeconds")), str(wanted))
    if len(behind(steps, "default", TIMED)) < 2:
        raise Inconclusive("not assessed: the Service has fewer than two backends")
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, TIMED))
        if before(table, steps, "default", probe, "before it was held, see NET-SERVICE-001"):
            table.row("held", probe, _held(steps.answer("held", probe)), ONE, f"within the default of {DEFAULT_TIMEOUT} s")
    moved, words = _moves(steps)
    table.row("after", f"clients that were silent for more than {AFFINITY_SECONDS} s", MOVED if moved else STAYED, MOVED, words)
    return table.comparison()


def families(steps: Steps) -> Comparison:
    """Families and addresses for each ipFamilyPolicy in their order, and whether each address answers."""
    table = Table("Services of each ipFamilyPolicy (Kubernetes, IPv4/IPv6 dual-stack)")
    made, first = steps.created("asked", "Service"), _primary(steps)
    for name, policy in POLICIES.items():
        if name not in made:
            raise Inconclusive(f"not observed: Service {name} with ipFamilyPolicy {policy} was not created")
        spec, wanted = made[name]["spec"], first if policy == "SingleStack" else _primary_first(steps, first)
        addresses = [str(address) for address in spec.get("clusterIPs") or ()]
        table.row("asked", f"{name} ipFamilyPolicy", str(spec.get("ipFamilyPolicy")), policy)
        table.row("asked", f"{name} ipFamilies", _words(str(f).lower() for f in spec.get("ipFamilies") or ()), _words(wanted))
        table.row("asked", f"{name} clusterIPs", _words(map(Family.of, addresses)), _words(wanted), " ".join(addresses))
        for node in steps.inventory.names:
            for family in (family for family in wanted if family.first(addresses)):
                probe = Probe(Action.TCP, Endpoint(EndpointKind.POD, "a", node), Endpoint(EndpointKind.SERVICE, name), "", family)
                found = answered(steps.answer("asked", probe))
                table.row("asked", f"{probe.source} > {probe.target} tcp over {family}", found, ANSWER, family.first(addresses))
    return table.comparison()


COMPARISONS: Mapping[str, Callable[[Steps], Comparison]] = {
    "ports": ports,
    "types": types,
    "affinity_timeout": affinity_timeout,
    "families": families,
}


def _after(steps: Steps, step: str) -> str:
    return f"{steps.seconds(step):.1f} s after the change"


def _held(observation: Observation) -> str:
    """How many backends one client heard. Raises Inconclusive where too few tries might have missed another one."""
    if observation.outcome is not Outcome.REACHED:
        return ending(observation)
    if len(_servers(observation)) > 1:
        return SEVERAL
    if len(observation.samples) < AFFINITY_REQUESTS:
        raise Inconclusive(f"not observed: {len(observation.samples)} of {AFFINITY_REQUESTS} requests of {observation.probe.source}")
    return ONE


def _moves(steps: Steps) -> tuple[bool, str]:
    """Whether any client heard another backend than the one that held it, and what each heard.

    Raises Inconclusive where none moved but not every round, or not every answer, was observed.
    """
    done = [f"after-{number}" for number in range(AFFINITY_ROUNDS) if steps.concluded(f"after-{number}")]
    moved, whole, words = False, len(done) == AFFINITY_ROUNDS, []
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, TIMED))
        first, rounds = _servers(steps.answer("held", probe)), [steps.answer(step, probe) for step in done]
        moved = moved or (bool(first) and any(_servers(found) - first for found in rounds))
        whole = whole and all(found.outcome is Outcome.REACHED for found in rounds)
        words.append(f"{probe.source}: {', '.join(' '.join(sorted(_servers(found))) or 'no answer' for found in rounds)}")
    if not moved and not whole:
        raise Inconclusive(f"not observed: every answer of {AFFINITY_ROUNDS} rounds; {'; '.join(words)}")
    return moved, "; ".join(words)


def _servers(observation: Observation) -> frozenset[str]:
    return frozenset(str(sample.reply.get("server")) for sample in observation.reached)


def _arrived(observation: Observation) -> str:
    """At which port of a backend. Raises Inconclusive where it does not say."""
    if observation.outcome is not Outcome.REACHED:
        return ending(observation)
    if not all(sample.reply.get("port") for sample in observation.reached):
        raise Inconclusive(f"not observed: a backend did not tell {observation.probe.source} at which port it was asked")
    return "port " + " ".join(sorted({str(sample.reply["port"]) for sample in observation.reached}))


def _port(steps: Steps, name: str, target: Any) -> int:
    """The number behind a targetPort: itself, or what the API made of the name for the backends."""
    if isinstance(target, int):
        return target
    pieces = steps.body("asked", "EndpointSlices/ports").get("items") or ()
    numbers = {port["port"] for piece in pieces for port in piece.get("ports") or () if port.get("name") == name}
    if len(numbers) != 1:
        raise Inconclusive(f"not assessed: the EndpointSlices of Service ports give {len(numbers)} numbers for targetPort {target}")
    return int(numbers.pop())


def _primary(steps: Steps) -> tuple[Family, ...]:
    """The family of the cluster's first Service range: that of Service default/kubernetes."""
    items = (steps.recording.object("services") or {"items": []})["items"]
    for item in items:
        if (item["metadata"].get("namespace"), item["metadata"]["name"]) == ("default", "kubernetes"):
            return tuple(family for family in Family if family.first([item["spec"]["clusterIP"]]))
    raise Inconclusive("not assessed: Service default/kubernetes, which shows the first family, was not read")


def _primary_first(steps: Steps, first: tuple[Family, ...]) -> tuple[Family, ...]:
    return (*first, *(family for family in steps.inventory.families if family not in first))


def _words(values: Iterable[Any]) -> str:
    return " ".join(map(str, values))
