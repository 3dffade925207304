"""What scenarios see of pods that they make: when they can be reached, at which ports of their node, and under a NetworkPolicy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.scenarios import FRESH_SECONDS

from .comparison import Comparison
from .steps import ANSWER, NO_ANSWER, Steps, answered, ending, from_pod
from .steps_table import Table

POLICIES = "Kubernetes, network policies"
SOON = f"an answer within {FRESH_SECONDS:.0f} s"


def fresh_pod(steps: Steps) -> Comparison:
    """How long after a pod's readiness each node gets its first answer."""
    table = Table("a new pod, asked from every node once it is Ready (Kubernetes network model)")
    pod = _pod(steps, "pod/fresh@")
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
    """Which of the pods that share a hostPort answers at which address and protocol."""
    table = Table("three pods with one hostPort on one node (Kubernetes conformance: hostIP and protocol tell them apart)")
    owners = _owners(steps)
    for probe, found in steps.answers("asked").items():
        host = "127.0.0.1" if probe.target.kind is EndpointKind.LOOPBACK else steps.inventory.node(probe.target.node).address(probe.family)
        wanted = owners.get((host, str(probe.action)), "nobody")
        table.row("asked", probe, ending(found), f"reached {wanted}", f"its hostPort is at {host}")
    return table.comparison()


def enforcement(steps: Steps) -> Comparison:
    """Whether one policy that allows nobody in is enforced: everywhere, or nowhere and not declared."""
    pod, declared = _pod(steps, "pod/policed@"), _declared(steps)
    probes = [from_pod(steps, node, pod) for node in steps.inventory.names]
    found = {probe: answered(steps.answer("denied", probe)) for probe in probes}
    enforced = declared or NO_ANSWER in found.values()
    words = "declared by --k8snet-feature netpol=on" if declared else "some clients are kept out" if enforced else "nobody is kept out"
    table = Table(f"NetworkPolicy deny on {pod}: policies are {'enforced' if enforced else 'not enforced'} here, {words} ({POLICIES})")
    for probe, word in found.items():
        if (before := steps.answer("free", probe)).outcome is not Outcome.REACHED:
            table.skip("free", probe, f"{ending(before)} without any policy")
            continue
        table.row("denied", probe, word, NO_ANSWER if enforced else ANSWER, f"{steps.seconds('denied'):.1f} s after the policy was made")
    return table.comparison()


def unpoliced(steps: Steps) -> Comparison:
    """Whether everybody reaches a pod that no policy selects."""
    pod = _pod(steps, "pod/policed@")
    table = Table(f"{pod} without any policy on it ({POLICIES})")
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


def _pod(steps: Steps, start: str) -> Endpoint:
    """The pod that the scenario made."""
    for entry in steps.recording.entries("fleet", scenario=steps.scenario):
        if entry["endpoint"].startswith(start):
            return Endpoint.parse(entry["endpoint"])
    raise Inconclusive(f"not observed: where {start.removesuffix('@')} of scenario {steps.scenario} is")


def _owners(steps: Steps) -> dict[tuple[str, str], str]:
    """(hostIP, protocol) -> the pod that has the port there, by the API's answers."""
    pods = {entry["pod"]: entry["endpoint"] for entry in steps.recording.entries("fleet", scenario=steps.scenario)}
    found: dict[tuple[str, str], str] = {}
    for name, body in steps.created("asked", "Pod").items():
        for port in (port for container in body["spec"]["containers"] for port in container.get("ports") or ()):
            found[port.get("hostIP", ""), str(port.get("protocol", "TCP")).lower()] = pods.get(name, name)
    return found


def _declared(steps: Steps) -> bool:
    return bool(((steps.recording.meta.get("settings") or {}).get("features") or {}).get("netpol"))


def _reached(frame: Mapping[str, Any]) -> bool:
    outcomes = [sample["outcome"] for sample in frame.get("samples") or () if not sample.get("warmup")]
    return bool(outcomes) and set(outcomes) == {"reached"}
