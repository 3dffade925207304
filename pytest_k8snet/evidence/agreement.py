"""Whether what an agent recorded answers the question that was planned: at the planned address, often enough, and known to the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.observation import Observation
from pytest_k8snet.model.probe import Action, Family
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import places

COUNTED = (Action.TCP, Action.UDP)
PODS = (EndpointKind.POD, EndpointKind.HOST)


class Agreement:
    """Compares observations with the fleet, the run's Services and what the targets counted."""

    def __init__(self, recording: Recording, inventory: Inventory) -> None:
        self._inventory = inventory
        self._pods = {entry["endpoint"]: entry for entry in recording.entries("fleet")}
        self._services = {event["name"]: event for event in recording.entries("events", what="service")}
        self._runner = next((str(event.get("address") or "") for event in recording.entries("events", what="runner")), "")
        self._seen = {entry["source"]: entry["frame"] for entry in recording.entries("frames") if _counts(entry["frame"], recording)}

    def require(self, observation: Observation, samples: int = 1, until: int = 0) -> None:
        """Raises Inconclusive that names what does not agree. `samples` and `until` as planned."""
        self._require_target(observation)
        _require_samples(observation, samples, until)
        self._require_counted(observation)

    def _require_target(self, observation: Observation) -> None:
        probe, request = observation.probe, observation.request
        wanted, asked = self._address(probe.target, probe.family), str(request.get("address") or "")
        if probe.target.kind in PODS and not wanted:
            raise Inconclusive(f"not observed: the address of {probe.target} is not known")
        if wanted and asked != wanted:
            raise Inconclusive(f"not observed: {probe.source} asked {asked or 'no address'}, but {probe.target} is at {wanted}")
        if request.get("expect") not in (None, "", str(probe.target)):
            raise Inconclusive(f"not observed: {probe.source} expected {request['expect']} to answer, not {probe.target}")

    def _address(self, target: Endpoint, family: Family) -> str:
        """Where the endpoint is; "" where the recording does not tell, or where it is in more than one place."""
        match target.kind:
            case EndpointKind.POD | EndpointKind.HOST:
                return places.pod_address(self._pods.get(str(target), {}), family)
            case EndpointKind.SERVICE:
                own = places.service_address(self._services.get(target.name, {}), family)
                return self._inventory.dns_ip if target.name == "kube-dns" else own
            case EndpointKind.DNS:
                return self._inventory.dns_servers.get(target, "")
            case EndpointKind.NODE_PORT:
                return self._inventory.node(target.node).address(family)
            case EndpointKind.LOOPBACK:
                return "127.0.0.1"
            case EndpointKind.OUTSIDE if target.name == "runner":
                return self._runner
            case EndpointKind.API | EndpointKind.OUTSIDE:
                return target.name.partition("://")[2 if "://" in target.name else 0].rpartition(":")[0].strip("[]")
        return ""

    def _require_counted(self, observation: Observation) -> None:
        """A nonce that came back from a target which never saw it, or saw it twice, did not go the way that is judged."""
        probe, frame = observation.probe, self._seen.get(str(observation.probe.target))
        if frame is None or probe.action not in COUNTED or probe.target.kind not in PODS:
            return
        nonces = frame.get("nonces") or {}
        for sample in observation.reached:
            count = (nonces.get(sample.nonce) or {}).get("count", 0)
            if count != 1:
                raise Inconclusive(f"not observed: {probe.target} answered {probe.source}'s nonce {sample.nonce}, but saw it {count} times")


def _counts(frame: Mapping[str, Any], recording: Recording) -> bool:
    run = recording.meta.get("run_id")
    return frame.get("kind") == "seen" and frame.get("run", run) == run


def _require_samples(observation: Observation, samples: int, until: int) -> None:
    probe, got = observation.probe, len(observation.samples)
    if got < samples:
        raise Inconclusive(f"not observed: {got} of the {samples} planned samples of {probe.action} at {probe.source} came back")
    if until and int(observation.request.get("until") or 0) < until:
        raise Inconclusive(f"not observed: {probe.source} was not asked to go on until {until} servers answered")
    nonces = [sample.nonce for sample in observation.reached]
    if probe.action in COUNTED and ("" in nonces or len(set(nonces)) != len(nonces)):
        raise Inconclusive(f"not observed: {len(nonces)} samples of {probe.action} at {probe.source} do not have a nonce each")
