"""Ports, types, families and timeouts of Services: what clients get from what the specification says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Observation, Outcome
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.scenarios import AFFINITY_ROUNDS, AFFINITY_SECONDS

from .comparison import Comparison
from .steps import ANSWER, NO_ANSWER, Steps, answered, ending, from_pod
from .steps_endpoints import behind
from .steps_table import Table

CONFORMANCE, DOCUMENTED = "Kubernetes conformance", "Kubernetes Service documentation"
DEFAULT_TIMEOUT = 10800  # s, of ClientIP affinity (Kubernetes, virtual IPs: session affinity)
MOVED, STAYED = "some client moved", "every client stayed"
DUAL_POLICIES = ("PreferDualStack", "RequireDualStack")


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
    """Whether the addresses of each type answer, and those that were given up do not."""
    table = Table(f"Service retype: ExternalName, ClusterIP, NodePort and back ({CONFORMANCE})")
    for node in steps.inventory.names:
        inner = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "retype"))
        outer = from_pod(steps, node, Endpoint(EndpointKind.NODE_PORT, "retype-port", node))
        for step, wanted in (
            ("cluster-ip", {inner: ANSWER}),
            ("node-port", {inner: ANSWER, outer: ANSWER}),
            ("cluster-ip-again", {inner: ANSWER, outer: NO_ANSWER}),
            ("external-name-again", {inner: NO_ANSWER}),
        ):
            for probe, word in wanted.items():
                table.row(step, probe, answered(steps.answer(step, probe)), word, f"{steps.seconds(step):.1f} s after the change")
    return table.comparison()


def affinity_timeout(steps: Steps) -> Comparison:
    """The default that the API server filled in, and whether clients move once a short timeout is over."""
    table = Table(f"Service affinity-timeout, sessionAffinity ClientIP ({DOCUMENTED})")
    config = steps.body("default", "Service/affinity-timeout")["spec"].get("sessionAffinityConfig") or {}
    table.row("default", "timeoutSeconds", str((config.get("clientIP") or {}).get("timeoutSeconds")), str(DEFAULT_TIMEOUT))
    if len(behind(steps, "default", "affinity-timeout")) < 2:
        raise Inconclusive("not assessed: the Service has fewer than two backends")
    moved, words = False, []
    for node in steps.inventory.names:
        probe = from_pod(steps, node, Endpoint(EndpointKind.SERVICE, "affinity-timeout"))
        rounds = [steps.answer(f"after-{number}", probe) for number in range(AFFINITY_ROUNDS)]
        servers = [str(sample.reply.get("server")) for found in rounds for sample in found.reached]
        moved = moved or len(set(servers)) > 1
        words.append(f"{probe.source}: {', '.join(servers) or 'no answer'}")
    about = f"clients that were silent for more than {AFFINITY_SECONDS} s"
    table.row("after", about, MOVED if moved else STAYED, MOVED, "; ".join(words))
    return table.comparison()


def families(steps: Steps) -> Comparison:
    """Families and addresses for each ipFamilyPolicy, and whether each address answers."""
    table = Table("Services of each ipFamilyPolicy (Kubernetes, IPv4/IPv6 dual-stack)")
    for name, body in steps.created("asked", "Service").items():
        spec = body["spec"]
        asked = {"family-single": "SingleStack", "family-prefer": "PreferDualStack", "family-require": "RequireDualStack"}[name]
        wanted = steps.inventory.families if asked in DUAL_POLICIES else _primary(steps)
        table.row("asked", f"{name} ipFamilyPolicy", str(spec.get("ipFamilyPolicy")), asked)
        table.row("asked", f"{name} ipFamilies", _words(str(f).lower() for f in spec.get("ipFamilies") or ()), _words(wanted))
        addresses = spec.get("clusterIPs") or []
        table.row("asked", f"{name} clusterIPs", _words(f for f in Family if f.first(addresses)), _words(wanted), " ".join(addresses))
        for node in steps.inventory.names:
            for family in (family for family in wanted if family.first(addresses)):
                probe = Probe(Action.TCP, Endpoint(EndpointKind.POD, "a", node), Endpoint(EndpointKind.SERVICE, name), "", family)
                found = answered(steps.answer("asked", probe))
                table.row("asked", f"{probe.source} > {probe.target} tcp over {family}", found, ANSWER, str(family.first(addresses)))
    return table.comparison()


COMPARISONS: Mapping[str, Callable[[Steps], Comparison]] = {
    "ports": ports,
    "types": types,
    "affinity_timeout": affinity_timeout,
    "families": families,
}


def _arrived(observation: Observation) -> str:
    if observation.outcome is not Outcome.REACHED:
        return ending(observation)
    return "port " + " ".join(sorted({str(sample.reply.get("port")) for sample in observation.reached}))


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


def _words(values: Iterable[Any]) -> str:
    return " ".join(sorted(str(value) for value in values))
