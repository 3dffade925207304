"""Causes as a person reads them: one block each, of at most six lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from pytest_k8snet.model.cause import Cause

from .results import subject_as_dict

_INDENT = " " * 12
_MOST = 6  # requirements that a block names beside those that show the cause


def blocks(causes: Sequence[Cause], bad: int, width: int) -> Iterator[str]:
    """Every cause: sentence, place, proof, what it explains of all `bad` results, what to do."""
    for number, cause in enumerate(causes, 1):
        yield _clip(f"{number}  {cause.sentence}", width)
        yield _clip(_line("is", _place(cause)), width)
        if cause.evidence:
            yield _clip(_line("proof", cause.evidence[0]), width)
        yield _clip(_line("explains", f"{len(cause.explains)} of {bad} findings: {_ids(cause)}"), width)
        yield from _two_lines(_line("do", cause.remedy), width)


def as_dict(cause: Cause) -> dict[str, Any]:
    """The cause in the report's shape; what it does not have is left out."""
    place = {name: getattr(cause, name) for name in ("node", "peer", "subject") if getattr(cause, name)}
    return {
        "cause": cause.id,
        "sentence": cause.sentence,
        **place,
        "confidence": cause.confidence.value,
        "explains": [{"requirement": result.requirement, "subject": subject_as_dict(result.subject)} for result in cause.explains],
        "evidence": list(cause.evidence),
        "remedy": cause.remedy,
    }


def _place(cause: Cause) -> str:
    between = f" towards {cause.peer}" if cause.peer else ""
    where = f" on {cause.node}{between}" if cause.node else ""
    return f"{cause.id}{where}, {cause.confidence}" + (f": {cause.subject}" if cause.subject else "")


def _ids(cause: Cause) -> str:
    """`NET-NAT-008, NET-DNS-006 -031 and 4 more`: those that show the cause, then those with most results."""
    counted = Counter(result.requirement for result in cause.explains)
    first = dict.fromkeys(result.requirement for result in cause.shown_by)
    rest = [id for id, _ in counted.most_common() if id not in first]
    named = [*first, *sorted(rest[:_MOST])]
    groups = groupby(named, key=lambda id: id.rpartition("-")[0])
    told = [" ".join([head, *(f"-{id.rpartition('-')[2]}" for id in more)]) for head, *more in (list(ids) for _, ids in groups)]
    return " ".join(told) + (f" and {len(rest) - _MOST} more" if len(rest) > _MOST else "")


def _line(word: str, text: str) -> str:
    return f"   {word:<9}{text}"


def _two_lines(text: str, width: int) -> list[str]:
    lines = wrap(text, width, subsequent_indent=_INDENT, drop_whitespace=True, break_long_words=False, break_on_hyphens=False)
    lines[0] = "   " + lines[0].lstrip()
    return lines[:1] + ([_clip(lines[1] + (" ..." if len(lines) > 2 else ""), width)] if len(lines) > 1 else [])


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3].rstrip() + "..."
