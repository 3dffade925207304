"""What scenarios see of pods that they make: when they can be reached, at which ports of their node, and under a NetworkPolicy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.plan.scenarios import FRESH_SECONDS

from .comparison import Comparison
from .steps import ANSWER, NO_ANSWER, Steps, answered, ending, family_of, from_pod, unheard
from .steps_table import Table

POLICIES = "Kubernetes, network policies"
SOON = f"an answer within {FRESH_SECONDS:.0f} s"


def fresh_pod(steps: Steps) -> Comparison:
    """How long after a pod's readiness each node gets its first answer."""
    table = Table("a new pod, asked from every node once it is Ready (Kubernetes network model)")
    pod = steps.pod("fresh")
    ready = next((float(entry["at"]) for entry in steps.recording.entries("fleet", endpoint=str(pod))), None)
    if ready is None:
        raise Inconclusive(f"not observed: when {pod} became ready")
    for node in steps.inventory.names:
        probe = from_pod(steps, node, pod)
        found = steps.answer("asked", probe)
        rounds = [entry for entry in steps.rounds("asked") if entry["source"] == str(probe.source)]
        first = next((float(entry["at"]) - ready for entry in rounds if _reached(entry["frame"])), None)
        soon = found.outcome is Outcome.REACHED and first is not None and first <= FRESH_SECONDS
        note = f"first answer {first:.1f} s after Ready" if first is not None else "never answered"
        table.row("asked", probe, SOON if soon else ending(found), SOON, note)
    return table.comparison()


def host_ports(steps: Steps) -> Comparison:
    """Which of the pods that share a hostPort answers at which address and protocol, to pods and nodes."""
    table = Table("three pods with one hostPort on one node (Kubernetes conformance: hostIP and protocol tell them apart)")
    owners, place = _owners(steps), steps.pod("host-port-tcp").node
    address = steps.inventory.node(place).address(family_of(steps))
    sources = [
        Endpoint(kind, name, node) for node in steps.inventory.names for kind, name in ((EndpointKind.POD, "a"), (EndpointKind.HOST, ""))
    ]
    for source in sources:
        for action in (Action.TCP, Action.UDP):
            probe = Probe(action, source, Endpoint(EndpointKind.NODE_PORT, "host-port", place), "", family_of(steps))
            _owned(table, steps, probe, owners, address)
    if Family.IPV4 in steps.inventory.families:
        inner = Endpoint(EndpointKind.LOOPBACK, "host-port", place)
        _owned(table, steps, Probe(Action.TCP, Endpoint(EndpointKind.HOST, "", place), inner, "", Family.IPV4), owners, "127.0.0.1")
    return table.comparison()


def enforcement(steps: Steps) -> Comparison:
    """Whether one policy that allows nobody in keeps everybody out.

    Raises NotApplicable where it keeps nobody out, and enforcement was not declared.
    """
    found, doubts = _under_policy(steps)
    words = "declared by --k8snet-feature netpol=on" if _declared(steps) else "some clients are kept out"
    table = Table(f"NetworkPolicy deny on {steps.pod('policed')}: policies are enforced here, {words} ({POLICIES})")
    for probe, word in found.items():
        if doubts[probe]:
            table.skip("denied", probe, doubts[probe])
        else:
            table.row("denied", probe, word, NO_ANSWER, f"{steps.seconds('denied'):.1f} s after the policy was made")
    return table.comparison()


def unpoliced(steps: Steps) -> Comparison:
    """Whether everybody reaches a pod that no policy selects. Raises NotApplicable where none would be enforced."""
    _under_policy(steps)
    pod = steps.pod("policed")
    table = Table(f"{pod} without any policy on it ({POLICIES})")
    for policy in (name for name in _policies(steps) if name.startswith(f"{_space(steps, pod)}/")):
        raise Inconclusive(f"not observed: NetworkPolicy {policy} is in the namespace of the probe pods, and not of this run")
    for node in steps.inventory.names:
        probe = from_pod(steps, node, pod)
        table.row("free", probe, answered(steps.answer("free", probe)), ANSWER)
    return table.comparison()


COMPARISONS: Mapping[str, Callable[[Steps], Comparison]] = {
    "fresh_pod": fresh_pod,
    "host_ports": host_ports,
    "enforcement": enforcement,
    "unpoliced": unpoliced,
}


def _owners(steps: Steps) -> dict[tuple[str, str], str]:
    """(hostIP, protocol) -> the pod that has the port there, by the API's answers."""
    pods = {entry["pod"]: entry["endpoint"] for entry in steps.recording.entries("fleet", scenario=steps.scenario)}
    found: dict[tuple[str, str], str] = {}
    for name, body in steps.created("asked", "Pod").items():
        for port in (port for container in body["spec"]["containers"] for port in container.get("ports") or ()):
            if port.get("hostPort"):
                found[port.get("hostIP", ""), str(port.get("protocol", "TCP")).lower()] = pods.get(name, name)
    return found


def _owned(table: Table, steps: Steps, probe: Probe, owners: Mapping[tuple[str, str], str], host: str) -> None:
    owner = owners.get((host, str(probe.action)))
    if owner is None:
        raise Inconclusive(f"not observed: no pod was made with a hostPort at {host} for {probe.action}")
    table.row("asked", probe, ending(steps.answer("asked", probe)), f"reached {owner}", f"its hostPort is at {host}")


def _under_policy(steps: Steps) -> tuple[dict[Probe, str], dict[Probe, str]]:
    """How each client ended under the policy, and why that may not be the policy's doing.

    Raises NotApplicable where policies are not enforced, Inconclusive where that cannot be told.
    """
    pod = steps.pod("policed")
    probes = [from_pod(steps, node, pod) for node in steps.inventory.names]
    found = {probe: unheard(steps.answer("denied", probe)) for probe in probes}
    doubts = {probe: _doubt(steps, probe, word) for probe, word in found.items()}
    if not _declared(steps) and not any(word == NO_ANSWER and not doubts[probe] for probe, word in found.items()):
        _nowhere(steps, found)
    return found, doubts


def _doubt(steps: Steps, probe: Probe, word: str) -> str:
    """Why the end of a question under the policy does not tell what the policy does, "" if it does."""
    beside = from_pod(steps, probe.source.node, Endpoint(EndpointKind.POD, "b", probe.target.node))
    if (free := steps.answer("free", probe)).outcome is not Outcome.REACHED:
        return f"{ending(free)} without any policy"
    if word == ANSWER:
        return ""
    if (other := steps.answer("denied", beside)).outcome is not Outcome.REACHED:
        return f"{word}, but {beside.target}, which the policy does not select, ended so too: {ending(other)}"
    if word == NO_ANSWER and (freed := steps.answer("freed", probe)).outcome is not Outcome.REACHED:
        return f"{word}, but {ending(freed)} when the policy was gone"
    return ""


def _nowhere(steps: Steps, found: Mapping[Probe, str]) -> None:
    """Raises NotApplicable where everybody got in, else Inconclusive: then nobody knows."""
    if set(found.values()) == {ANSWER}:
        listed = ", ".join(_policies(steps)) or "there is none"
        waited = f"{steps.seconds('denied'):.0f} s after a policy that allows nobody in was made, everybody still got in"
        raise NotApplicable(f"NetworkPolicies are not enforced in this cluster: {waited}; policies without effect: {listed}")
    words = "; ".join(f"{probe.source}: {word}" for probe, word in found.items())
    raise Inconclusive(f"not assessed: whether NetworkPolicies are enforced cannot be told: {words}")


def _policies(steps: Steps) -> list[str]:
    """The cluster's policies, by namespace and name, but those of this run. Raises Inconclusive where they were not read."""
    body = steps.recording.object("networkpolicies")
    if body is None:
        raise Inconclusive("not observed: the NetworkPolicies of the cluster could not be listed")
    return sorted(f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in body["items"])


def _space(steps: Steps, pod: Endpoint) -> str:
    return next(str(entry["namespace"]) for entry in steps.recording.entries("fleet", endpoint=str(pod)))


def _declared(steps: Steps) -> bool:
    return bool(((steps.recording.meta.get("settings") or {}).get("features") or {}).get("netpol"))


def _reached(frame: Mapping[str, Any]) -> bool:
    outcomes = [sample["outcome"] for sample in frame.get("samples") or () if not sample.get("warmup")]
    return bool(outcomes) and set(outcomes) == {"reached"}
