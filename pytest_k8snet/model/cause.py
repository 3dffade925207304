"""Why results are as they are: a named cause with its place, its proof and its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .result import Result


class Confidence(StrEnum):
    """CERTAIN: what is wrong was read where it is. LIKELY: it follows from what was observed, and nothing contradicts it."""

    CERTAIN = "certain"
    LIKELY = "likely"


@dataclass(frozen=True, slots=True)
class Cause:
    """`id` is stable (docs/reference/causes.md). Without `node` the cause lies in the cluster's objects, not at one node."""

    id: str
    sentence: str  # what a person would say
    remedy: str
    node: str = ""
    peer: str = ""  # the node at the other end, where the cause lies between two
    subject: str = ""  # the object, file, device or rule
    confidence: Confidence = Confidence.CERTAIN
    evidence: tuple[str, ...] = ()  # lines as the failure texts have them
    explains: tuple[Result, ...] = ()
    shown_by: tuple[Result, ...] = ()  # the results that led to it, all among `explains`
