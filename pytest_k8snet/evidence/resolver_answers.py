"""What a pod's resolver found, as the agent of that pod sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Probe
from pytest_k8snet.model.recording import Entry, Recording
from pytest_k8snet.model.verdict import Inconclusive

Sample = Mapping[str, Any]
ANSWERED = (Outcome.REACHED, Outcome.NAME_ERROR, Outcome.NAME_FAILURE)
SILENT = (Outcome.TIMEOUT, Outcome.HOST_UNREACHABLE, Outcome.NET_UNREACHABLE)


class Answers:
    """Result frames of resolver probes. `used` lists the frames that were looked at."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.used: list[Entry] = []

    def samples(self, probe: Probe) -> tuple[Sample, ...]:
        """All judged samples of a probe. Raises Inconclusive, with the reason, when it was not asked or the agent could not try."""
        frames = [entry for entry in self.recording.entries("frames", source=str(probe.source)) if entry["frame"].get("id") == str(probe)]
        if not frames:
            raise Inconclusive(f"{probe}: {self.absence(probe)}")
        self.used.append(frames[-1])
        judged = tuple(sample for sample in frames[-1]["frame"]["samples"] if not sample.get("warmup"))
        failed = [sample for sample in judged if sample["outcome"] == Outcome.PROBE_ERROR]
        if failed or not judged:
            raise Inconclusive(f"{probe}: the agent could not ask ({(failed[0].get('detail') or {}) if failed else 'no sample'})")
        return judged

    def absence(self, probe: Probe) -> str:
        """Why there is no result of a probe."""
        for event in self.recording.entries("events", what="not-asked", probe=str(probe)):
            return f"it was not asked: {event['reason']}"
        for event in self.recording.entries("events", what="stream-lost", source=str(probe.source)):
            return f"the stream to the pod was lost: {event['reason']}"
        return self.problem(probe.source) or "it was not observed"

    def undeclared(self, probe: Probe) -> bool:
        """Whether it asks for an external name and the operator declared none."""
        events = self.recording.entries("events", what="not-asked", probe=str(probe))
        return "external" in probe.detail and any("external" in str(event["reason"]) for event in events)

    def problem(self, endpoint: Endpoint) -> str:
        """Why a probe pod did not come up, "" if it did."""
        return next((str(entry["problem"]) for entry in self.recording.entries("fleet", endpoint=str(endpoint))), "")

    def addresses(self, word: str) -> frozenset[str] | None:
        """The addresses a word of the matrix stands for, None if any will do. Raises Inconclusive when the recording does not tell."""
        match word:
            case "kubernetes":
                return frozenset({self._cluster_ip("default", "kubernetes")})
            case "web":
                return frozenset({self._created("web")})
            case "private":
                return frozenset({"192.0.2.53"})
            case "big":
                return self._endpoints("big")
        return None

    def _cluster_ip(self, namespace: str, name: str) -> str:
        for item in (self.recording.object("services") or {}).get("items") or ():
            if (item["metadata"].get("namespace"), item["metadata"]["name"]) == (namespace, name):
                return str(item["spec"]["clusterIP"])
        raise Inconclusive(f"Service {namespace}/{name} was not read: the expected address is unknown")

    def _created(self, name: str) -> str:
        for event in self.recording.entries("events", what="service", name=name):
            return str(event["cluster_ip"])
        raise Inconclusive(f"Service {name} of the run was not created: the expected address is unknown")

    def _endpoints(self, service: str) -> frozenset[str]:
        spaces = {event["namespace"] for event in self.recording.entries("events", what="service", name=service)}
        pieces = [p for p in (self.recording.object("endpointslices") or {}).get("items") or () if _belongs(p, service, spaces)]
        found = frozenset(a for piece in pieces for endpoint in piece.get("endpoints") or () for a in endpoint["addresses"])
        if not found:
            raise Inconclusive(f"EndpointSlices of Service {service} were not read: the expected addresses are unknown")
        return found


def described(samples: Iterable[Sample]) -> Any:
    """The addresses if every sample found the same ones, else the outcomes in words."""
    found = [_found(sample) for sample in samples]
    return found[0] if all(one == found[0] for one in found) else " / ".join(sorted({str(one) for one in found}))


def answered(samples: Iterable[Sample]) -> bool:
    """Whether a server answered every time, with an address or without."""
    return all(sample["outcome"] in ANSWERED for sample in samples)


def silent(samples: Iterable[Sample]) -> bool:
    """Whether nothing at all came back in some sample, not even a refusal."""
    return any(sample["outcome"] in SILENT for sample in samples)


def names_asked(samples: Iterable[Sample]) -> frozenset[str]:
    """Names that went over the wire."""
    messages = [message for sample in samples for message in (sample.get("detail") or {}).get("messages") or ()]
    return frozenset(str(message["qname"]).rstrip(".").lower() for message in messages)


def _found(sample: Sample) -> Any:
    reply = sample.get("reply") or {}
    if sample["outcome"] == Outcome.REACHED:
        return frozenset(reply.get("answers") or ())
    code = f" ({reply['rcode']})" if reply.get("rcode") else ""
    return f"{sample['outcome']}{code}"


def _belongs(piece: Mapping[str, Any], service: str, namespaces: set[str]) -> bool:
    labels = piece["metadata"].get("labels") or {}
    return labels.get("kubernetes.io/service-name") == service and piece["metadata"].get("namespace") in namespaces
