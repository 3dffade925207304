"""What came back for a question about a Service's records, as the raw messages tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_k8snet.model.observation import Outcome, Sample
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import ParseError, dns_message
from pytest_k8snet.plan.questions import QUESTIONS, of

from .comparison import shown
from .service_records import ServiceRecords

MESSAGE = (Outcome.REACHED, Outcome.NAME_ERROR, Outcome.NAME_FAILURE, Outcome.TRUNCATED)
WORDS = ("records", "nodata", "nxdomain", "unready")
NO_RECORD = "no record"
NODATA = "NOERROR without an answer"
NXDOMAIN = "NXDOMAIN with a SOA"


def judged(
    records: ServiceRecords, detail: str, word: str, request: Mapping[str, Any], samples: Iterable[Sample]
) -> tuple[Any, Any] | None:
    """Found and expected; None where this cluster has records of that type, so that their absence cannot be seen."""
    name = str(request.get("name"))
    found = _together([_found(sample, name, str(request.get("type"))) for sample in samples])
    if word == "nxdomain":
        return found, NXDOMAIN
    if word == "unready":
        records.require_unready(QUESTIONS[of(detail)])
        return ("NXDOMAIN" if _is(found, "NXDOMAIN") else found), "NXDOMAIN"
    wanted = records.expected(QUESTIONS[of(detail)], name)
    if word == "nodata":
        return None if wanted else (found, NODATA)
    if not wanted and (found == NODATA or _is(found, "NXDOMAIN")):
        found = NO_RECORD
    return found, wanted or NO_RECORD


def _found(sample: Sample, name: str, kind: str) -> Any:
    """The records, or in words why there are none."""
    if sample.outcome not in MESSAGE or not sample.detail.get("wire"):
        return str(sample.outcome)
    reply = _understood(str(sample.detail["wire"]))
    if (reply.name.rstrip("."), reply.kind) != (name.rstrip(".").lower(), kind):
        raise Inconclusive(f"not observed: the message kept for {name} {kind} answers {reply.name} {reply.kind}")
    if reply.rcode != "NOERROR":
        return f"{reply.rcode} {'with' if 'SOA' in reply.authority else 'without'} a SOA"
    return reply.records or (f"NOERROR with {reply.answers} records of another type" if reply.answers else NODATA)


def _understood(wire: str) -> dns_message.Reply:
    try:
        return dns_message.reply(wire)
    except ParseError as error:
        raise Inconclusive(f"not observed: the message that was kept cannot be understood: {error}") from error


def _is(found: Any, rcode: str) -> bool:
    return isinstance(found, str) and found.startswith(rcode)


def _together(found: list[Any]) -> Any:
    return found[0] if all(one == found[0] for one in found) else " / ".join(sorted({shown(one) for one in found}))
