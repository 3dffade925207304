"""Which addresses name servers gave in the course of a cell's probe, as their messages tell."""

from __future__ import annotations

from pytest_k8snet.model.observation import Observation, Sample
from pytest_k8snet.model.probe import Action
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import ParseError, dns_message


def addresses(observation: Observation) -> frozenset[str]:
    """Addresses in all answers that came. Raises Inconclusive when those of one sample are not known."""
    return frozenset(address for sample in observation.reached for address in _of(observation, sample))


def _of(observation: Observation, sample: Sample) -> frozenset[str]:
    source = observation.probe.source
    if observation.probe.action is not Action.QUERY:
        found = frozenset(map(str, sample.detail.get("resolved") or ()))
        if not found:
            raise Inconclusive(f"not observed: which address {source} found by name")
        return found
    asked = str(observation.request.get("name")).rstrip(".").lower(), str(observation.request.get("type"))
    try:
        reply = dns_message.reply(str(sample.detail.get("wire") or ""))
    except ParseError as error:
        raise Inconclusive(f"not observed: what {observation.probe.target} answered {source}: {error}") from error
    if (reply.name.rstrip("."), reply.kind) != asked:
        raise Inconclusive(f"not observed: the message that {source} kept answers {reply.name} {reply.kind}, not {asked[0]} {asked[1]}")
    return reply.records
