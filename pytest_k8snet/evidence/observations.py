"""Result frames of a recording as observations. What is missing, damaged or foreign was not observed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Observation, Outcome, Sample
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import places

from .api_server import shown_by_api_server

Frame = Mapping[str, Any]
_ALONE = (EndpointKind.POD, EndpointKind.HOST, EndpointKind.LOOPBACK, EndpointKind.OUTSIDE)
ECHOED = (Action.TCP, Action.UDP, Action.BULK, Action.TRACE)  # our own server answers these and says who it is


class Observations:
    """An index over the frames, so that finding one does not read them all."""

    def __init__(self, recording: Recording) -> None:
        self._run = recording.meta.get("run_id")
        self._results: dict[tuple[str, str], list[Frame]] = {}
        for entry in recording.entries("frames"):
            self._add(entry)
        self._not_asked = {event["probe"]: event["reason"] for event in recording.entries("events", what="not-asked")}
        self._lost = {event["source"]: event["reason"] for event in recording.entries("events", what="stream-lost")}
        self._pods = {entry["endpoint"]: entry for entry in recording.entries("fleet")}

    def find(self, probe: Probe) -> Observation:
        """All judged samples of a probe. Raises Inconclusive that says why there are none, or not as many as were asked for."""
        frames = self.frames(probe)
        if not frames:
            raise Inconclusive(f"not observed: {self._why_not(probe)}")
        try:
            samples = tuple(_samples(frames, probe))
            _check(probe, frames, samples)
            return Observation(probe, frames[-1]["request"], samples)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise Inconclusive(f"not observed: the answer of {probe.source} about {probe} is damaged ({error!r})") from error

    def frames(self, probe: Probe) -> list[Frame]:
        """Result frames of a probe as its agent sent them, each once."""
        return self._results.get((str(probe.source), str(probe)), [])

    def address(self, endpoint: Endpoint, family: Family) -> str:
        """Where a probe pod ended up, "" if it is none, did not start or has no address of that family."""
        return places.pod_address(self._pods.get(str(endpoint), {}), family)

    def ready(self, role: str) -> frozenset[str]:
        """Endpoints of that role whose probe pod became ready."""
        prefix = f"pod/{role}@"
        return frozenset(name for name, entry in self._pods.items() if name.startswith(prefix) and not entry["problem"])

    def _add(self, entry: Frame) -> None:
        frame = entry["frame"]
        if frame.get("kind") != "result" or frame.get("run", self._run) != self._run:
            return
        frames = self._results.setdefault((entry["source"], str(frame.get("id"))), [])
        if not any(frame.get("seq") is not None and frame.get("seq") == known.get("seq") for known in frames):
            frames.append(frame)  # a reopened stream sends frames again

    def _why_not(self, probe: Probe) -> str:
        if str(probe) in self._not_asked:
            return str(self._not_asked[str(probe)])
        pod = self._pods.get(str(probe.source))
        if pod is not None and pod["problem"]:
            return f"{probe.source} did not start: {pod['problem']}"
        if str(probe.source) in self._lost:
            return f"the control stream of {probe.source} was lost: {self._lost[str(probe.source)]}"
        return f"the recording holds no answer of {probe.source} about {probe.action} to {probe.target}"


def _samples(frames: Iterable[Frame], probe: Probe) -> Iterator[Sample]:
    for frame in frames:
        for raw in frame["samples"]:
            if not raw.get("warmup"):
                yield _sample(raw, frame, probe)


def _sample(raw: Frame, frame: Frame, probe: Probe) -> Sample:
    reply, detail = raw.get("reply") or {}, raw.get("detail") or {}
    outcome = Outcome(raw["outcome"])
    if outcome is Outcome.REACHED and _foreign(raw, reply, frame, probe):
        outcome = Outcome.WRONG_PEER
    return Sample(outcome, float(raw["seconds"]), str(raw.get("nonce", "")), reply, detail)


def _foreign(raw: Frame, reply: Frame, frame: Frame, probe: Probe) -> bool:
    """Whether what the echo server said is not the documented peer's answer to this very question, although the client took it for one."""
    if probe.target.kind is EndpointKind.API:
        return probe.action is Action.TLS and not shown_by_api_server(reply, probe.target)
    if probe.action not in ECHOED or "://" in probe.target.name:
        return False
    alone = probe.target.kind in _ALONE and not (probe.target.kind is EndpointKind.LOOPBACK and probe.target.name)
    wanted = str(probe.target) if alone else reply.get("server")
    same = reply.get("nonce") == raw.get("nonce") and reply.get("run") == frame.get("run", reply.get("run"))
    return not (same and wanted and reply.get("server") == wanted)


def _check(probe: Probe, frames: Iterable[Frame], samples: tuple[Sample, ...]) -> None:
    tries = [sample for sample in samples if sample.outcome is Outcome.PROBE_ERROR]
    if tries:
        raise Inconclusive(f"not observed: the agent at {probe.source} could not try: {tries[0].detail.get('error', 'no reason given')}")
    if late := _starved(samples):
        raise Inconclusive(f"not observed: the agent at {probe.source} was starved of processor time for {late:.1f} s while it waited")
    for frame in frames:
        request = frame["request"]
        judged = sum(not raw.get("warmup") for raw in frame["samples"])
        wanted = 1 if request.get("until") else request.get("samples", 1)
        if request.get("action") != probe.action or judged < wanted:
            raise Inconclusive(f"not observed: {judged} of {wanted} samples of {request.get('action')} at {probe.source} came back")


def _starved(samples: tuple[Sample, ...]) -> float:
    """Seconds by which the agent was late, if that alone may explain why only some samples timed out; 0 otherwise.

    Where no sample reached, lateness explains nothing: that stays a finding.
    """
    lost = [sample for sample in samples if sample.outcome is not Outcome.REACHED]
    if not lost or len(lost) == len(samples):
        return 0.0
    late = [float(sample.detail.get("starved") or 0) for sample in lost if sample.outcome is Outcome.TIMEOUT]
    return max(late) if len(late) == len(lost) and all(late) else 0.0
