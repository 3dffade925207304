"""Observed against expected, and the words for the difference."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_k8snet.model.verdict import Inconclusive

NOTHING = "nothing"
CLIP = 4096  # characters of a fact in a report


@dataclass(frozen=True, slots=True)
class Comparison:
    """Values by key, as observed and as expected; `notes` says for a key whose entry it is or which rule decided."""

    caption: str  # "forwarding database of flannel.1 (bridge -j fdb show)"
    actual: Mapping[Any, Any]
    expected: Mapping[Any, Any]
    notes: Mapping[Any, str] = field(default_factory=dict)

    @property
    def differing(self) -> tuple[Any, ...]:
        """The keys whose values differ, expected ones first."""
        keys = [*self.expected, *(key for key in self.actual if key not in self.expected)]
        return tuple(key for key in keys if self._differs(key))

    @property
    def differences(self) -> tuple[str, ...]:
        """One line for every key whose values differ; empty when nothing differs."""
        return tuple(self._difference(key) for key in self.differing)

    def __str__(self) -> str:
        lines = self.differences or ("as expected",)
        return "\n".join([self.caption, *(f"  {line}" for line in lines)])

    def _differs(self, key: Hashable) -> bool:
        return (key in self.actual) != (key in self.expected) or self.actual.get(key) != self.expected.get(key)

    def _difference(self, key: Hashable) -> str:
        expected = shown(self.expected[key]) if key in self.expected else NOTHING
        found = shown(self.actual[key]) if key in self.actual else NOTHING
        note = self.notes.get(key, "")
        return f"{shown(key)}: expected {expected}, found {found}" + (f" ({note})" if note else "")


class Compared:
    """Evidence whose comparisons are computed when first asked for.

    For a name in `comparisons`, `evidence.NAME` is what was observed, `evidence.expected_NAME` what should be, and
    `evidence.explain("NAME")` the failure text. Any of them raises Inconclusive where something was not observed.
    """

    comparisons: ClassVar[Mapping[str, Callable[[Any], Comparison]]] = {}

    def __init__(self, facts: Any, subject: str) -> None:
        self._facts, self._subject = facts, subject
        self._made: dict[str, Comparison] = {}

    @property
    def evidence(self) -> tuple[Mapping[str, Any], ...]:
        """What was looked at so far, each entry clipped to what a report can carry."""
        return tuple(map(clipped, self._facts.used))

    def comparison(self, name: str) -> Comparison:
        """Observed against expected. Raises KeyError for an unknown name, Inconclusive where neither holds anything."""
        if name not in self._made:
            self._made[name] = _filled(self.comparisons[name](self._facts), self._subject)
        return self._made[name]

    def explain(self, name: str) -> str:
        """The failure text."""
        return f"{self._subject}: {self.comparison(name)}"

    def __getattr__(self, name: str) -> Mapping[Any, Any]:
        plain = name.removeprefix("expected_")
        if name.startswith("_") or plain not in self.comparisons:
            raise AttributeError(name)
        found = self.comparison(plain)
        return found.actual if plain == name else found.expected


def _filled(comparison: Comparison, subject: str) -> Comparison:
    """Nothing against nothing agrees, and says nothing."""
    if not comparison.expected and not comparison.actual:
        raise Inconclusive(f"{subject}: {comparison.caption}: the API objects name nothing that could be compared")
    return comparison


def clipped(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A raw entry for a report: facts with at most 4 KiB of text, frames by probe and outcomes, objects as they are."""
    if "frame" in entry:
        frame = entry["frame"]
        return {"kind": "frame", "probe": frame["id"], "outcome": " ".join(sorted({s["outcome"] for s in frame["samples"]}))}
    if "phase" in entry:
        fields = {key: entry.get(key) for key in ("node", "phase", "name", "source")}
        return {"kind": "fact", **fields, "text": str(entry.get("text") or entry.get("error") or "")[:CLIP]}
    return {"kind": "object", "name": entry["object"], **{key: value for key, value in entry.items() if key not in ("object", "name")}}


def shown(value: Any) -> str:
    """A value as a person writes it: sets and tuples as lists of words."""
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(map(shown, value))) or NOTHING
    if isinstance(value, tuple | list):
        return " ".join(map(shown, value)) or NOTHING
    return str(value) if value != "" else NOTHING
