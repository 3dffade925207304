"""What a pod's resolver found, as the agent of that pod sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_k8snet.model.observation import Outcome, Sample
from pytest_k8snet.model.probe import Probe
from pytest_k8snet.model.recording import Entry, Recording
from pytest_k8snet.model.verdict import Inconclusive

from .comparison import shown
from .observations import Observations

ANSWERED = (Outcome.REACHED, Outcome.NAME_ERROR, Outcome.NAME_FAILURE)
SILENT = (Outcome.TIMEOUT, Outcome.HOST_UNREACHABLE, Outcome.NET_UNREACHABLE)


class Answers:
    """Result frames of resolver probes. `used` lists the frames that were looked at."""

    def __init__(self, recording: Recording, observations: Observations | None = None) -> None:
        self.recording = recording
        self.used: list[Entry] = []
        self._observations = observations or Observations(recording)

    def samples(self, probe: Probe) -> tuple[Sample, ...]:
        """All judged samples of a probe. Raises Inconclusive, with the reason, when it was not observed."""
        found = self._observations.find(probe)
        self.used.append({"source": str(probe.source), "frame": self._observations.frames(probe)[-1]})
        return found.samples

    def known(self, probe: Probe) -> bool:
        """Whether the recording holds an answer, good or not."""
        return bool(self._observations.frames(probe))

    def request(self, probe: Probe) -> Mapping[str, Any]:
        """The request as it was sent."""
        return self._observations.find(probe).request

    def name(self, probe: Probe) -> str:
        """The name that was asked for."""
        return str(self.request(probe).get("name", ""))

    def undeclared(self, probe: Probe) -> bool:
        """Whether it asks for an external name and the operator declared none."""
        events = self.recording.entries("events", what="not-asked", probe=str(probe))
        return "external" in probe.detail and any("external" in str(event["reason"]) for event in events)

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
    return found[0] if all(one == found[0] for one in found) else " / ".join(sorted({shown(one) for one in found}))


def answered(samples: Iterable[Sample]) -> bool:
    """Whether a server answered every time, with an address or without."""
    return all(sample.outcome in ANSWERED for sample in samples)


def silent(samples: Iterable[Sample]) -> bool:
    """Whether nothing at all came back in some sample, not even a refusal."""
    return any(sample.outcome in SILENT for sample in samples)


def names_asked(samples: Iterable[Sample]) -> frozenset[str]:
    """Names that went over the wire."""
    return frozenset(str(message["qname"]).rstrip(".").lower() for message in _messages(samples))


def servers_asked(samples: Iterable[Sample]) -> tuple[str, ...]:
    """Servers that questions went to, sorted."""
    return tuple(sorted({str(message["server"]) for message in _messages(samples)}))


def rcodes(samples: Iterable[Sample]) -> tuple[str, ...]:
    """What each server said about each name over each transport, once: "10.96.0.10 over udp: name-error"."""
    said = (f"{m['server']} over {m['transport']}: {m.get('outcome')}" for m in _messages(samples))
    return tuple(dict.fromkeys(said))


def _messages(samples: Iterable[Sample]) -> list[Mapping[str, Any]]:
    return [message for sample in samples for message in sample.detail.get("messages") or ()]


def _found(sample: Sample) -> Any:
    if sample.outcome is Outcome.REACHED:
        return frozenset(sample.reply.get("answers") or ())
    code = f" ({sample.reply['rcode']})" if sample.reply.get("rcode") else ""
    return f"{sample.outcome}{code}"


def _belongs(piece: Mapping[str, Any], service: str, namespaces: set[str]) -> bool:
    labels = piece["metadata"].get("labels") or {}
    return labels.get("kubernetes.io/service-name") == service and piece["metadata"].get("namespace") in namespaces
