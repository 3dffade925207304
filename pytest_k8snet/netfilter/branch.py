"""What a walk finds: branches, and the steps that led there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ..parse.nft import NftRule
from ..parse.ruleset import Rule
from .packet import Packet


class Verdict(StrEnum):
    """How a walk through a chain or a hook ends."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    RETURN = "return"  # end of a user chain
    DNAT = "dnat"
    SNAT = "snat"
    MASQUERADE = "masquerade"
    UNKNOWN = "unknown"

    @property
    def passes(self) -> bool:
        """Whether the packet goes on to the next chain or hook."""
        return self not in (Verdict.DROP, Verdict.REJECT, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Step:
    """A rule that matched (True) or may have matched (None); without rule: the policy of a chain other than ACCEPT, or `remark`."""

    world: str  # "nft" | "legacy" | "native" | ""
    table: str
    chain: str
    rule: Rule | NftRule | None = None
    matched: bool | None = True
    remark: str = ""

    @property
    def number(self) -> int:
        """The rule's number in its chain, 0 without rule."""
        return self.rule.number if self.rule else 0

    def __str__(self) -> str:
        place = " ".join(word for word in (self.world, self.table, self.chain) if word)
        if self.rule is None:
            return f"{place} {self.remark}"
        return f"{place} rule {self.rule.number}{'' if self.matched else ' (may match)'}: {self.rule.raw}"


@dataclass(frozen=True, slots=True)
class Branch:
    """One way the packet may go. `by` is the step that gave the verdict, None when a policy ACCEPT or the end of a chain did.

    An uncertain branch hangs on a match that could not be judged; its probability is then an upper bound.
    """

    verdict: Verdict
    packet: Packet
    probability: float = 1.0
    uncertain: bool = False
    steps: tuple[Step, ...] = ()
    by: Step | None = None

    @property
    def trace(self) -> str:
        """One line per step."""
        return "\n".join(str(step) for step in self.steps)


def merge(branches: list[Branch]) -> list[Branch]:
    """Branches with the same verdict, packet and certainty become one; certain probabilities add up, uncertain ones keep the largest."""
    merged: dict[tuple[Verdict, Packet, bool], Branch] = {}
    for branch in branches:
        key = branch.verdict, branch.packet, branch.uncertain
        known = merged.get(key)
        if known is None:
            merged[key] = branch
        else:
            total = max(known.probability, branch.probability) if branch.uncertain else known.probability + branch.probability
            merged[key] = replace(known, probability=total)
    return list(merged.values())


def same(one: list[Branch], other: list[Branch]) -> bool:
    """Whether both lists say the same about the packet, whichever rules led there."""
    first, second = _shares(one), _shares(other)
    return first.keys() == second.keys() and all(abs(share - second[key]) < 1e-9 for key, share in first.items())


def _shares(branches: list[Branch]) -> dict[tuple[Verdict, Packet, bool], float]:
    return {(branch.verdict, branch.packet, branch.uncertain): branch.probability for branch in merge(branches)}


def either(one: list[Branch], other: list[Branch]) -> list[Branch]:
    """What is known when one of the two came true: `other` if they agree, else all of both, uncertain."""
    if same(one, other):
        return other
    return merge([replace(branch, uncertain=True) for branch in (*one, *other)])
