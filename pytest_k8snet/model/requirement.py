"""A requirement of the catalogue, and what a run demands of it."""

from __future__ import annotations

from dataclasses import dataclass

from .verdict import Level


@dataclass(frozen=True, slots=True, order=True)
class Requirement:
    """One entry of `conformance/catalogue/*.yaml`."""

    id: str  # "NET-REACH-005"
    title: str
    level: Level
    basis: str  # CONFORMANCE | MODEL | K8S-DOC | IMPL | OS | SEED
    applies: str  # "cni=flannel; backend=vxlan; nodes>=2"
    kind: str  # passive | active | privileged | disruptive
    statement: str
    source: str
    meaning: str = ""  # why it matters, one sentence, shown with a warning or failure

    @property
    def group(self) -> str:
        """ "REACH" of NET-REACH-005."""
        return self.id.split("-")[1]
