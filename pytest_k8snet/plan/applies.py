"""Does a requirement apply here? `cni=flannel; backend=vxlan|host-gw; nodes>=2`: `;` means and, `|` means or.

What is not known stays unknown: it is never taken for a yes, and never silently for a no.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = str | bool | float | None | frozenset[str]
_TERM = re.compile(r"^([a-z0-9.]+)\s*(!=|>=|<=|=|>|<)\s*([^=<>!\s]+)$")


class Answer(StrEnum):
    """Three-valued."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Applies:
    """`reason` names the term that decided, with what was found; empty for YES."""

    answer: Answer
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of a condition."""

    key: str
    operator: str
    wanted: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key}{self.operator}{'|'.join(self.wanted)}"


def parse(condition: str) -> tuple[Term, ...]:
    """The terms of a condition, none for `any`. Raises ValueError naming the part that is no term."""
    if condition.strip() == "any":
        return ()
    return tuple(_term(part.strip(), condition) for part in condition.split(";"))


def evaluate(condition: str, values: Mapping[str, Value]) -> Applies:
    """Judge a condition. `feature=x` asks for the value `feature.x`. Any no decides, then any unknown."""
    answers = [_judge(term, values) for term in parse(condition)]
    for wanted in (Answer.NO, Answer.UNKNOWN):
        found = next((answer for answer in answers if answer.answer is wanted), None)
        if found is not None:
            return found
    return Applies(Answer.YES)


def _term(text: str, condition: str) -> Term:
    match = _TERM.match(text)
    if match is None:
        raise ValueError(f"{text!r} in the condition {condition!r} is not KEY=VALUE, KEY!=VALUE or KEY>=NUMBER")
    key, operator, wanted = match.groups()
    return Term(key, operator, tuple(wanted.split("|")))


def _judge(term: Term, values: Mapping[str, Value]) -> Applies:
    if term.key == "feature":
        return _feature(term, values)
    value = values.get(term.key)
    if value is None or value == "":
        return Applies(Answer.UNKNOWN, f"needs {term}, and the cluster does not tell its {term.key}")
    if _holds(term, value):
        return Applies(Answer.YES)
    return Applies(Answer.NO, f"needs {term}, this cluster has {term.key}={_spell(value)}")


def _feature(term: Term, values: Mapping[str, Value]) -> Applies:
    declared = [values.get(f"feature.{name}") for name in term.wanted]
    if True in declared:
        return Applies(Answer.YES)
    return Applies(Answer.NO, f"needs the feature {' or '.join(term.wanted)}, which is declared off or not declared")


def _holds(term: Term, value: Value) -> bool:
    if term.operator in ("=", "!="):
        found = value if isinstance(value, frozenset) else {_spell(value)}
        return bool(found & set(term.wanted)) is (term.operator == "=")
    have, want = _version(_spell(value)), _version(term.wanted[0])
    length = max(len(have), len(want))
    have, want = (parts + (0,) * (length - len(parts)) for parts in (have, want))
    return {">=": have >= want, "<=": have <= want, ">": have > want, "<": have < want}[term.operator]


def _version(text: str) -> tuple[int, ...]:
    """(1, 36, 2) of "v1.36.2-rc.1"; numbers are versions of one part."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _spell(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return "|".join(sorted(value))
    return f"{value:g}" if isinstance(value, float) else str(value)
