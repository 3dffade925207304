"""What a walk goes along: lines of chains, whichever program wrote the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..parse.nft import NftRule
from ..parse.ruleset import Rule
from .target import Action
from .truth import Predicate

AnyRule = Rule | NftRule


@dataclass(frozen=True, slots=True)
class Line:
    """A rule, or a part of one, ready to be asked. `span` lines further on the next rule begins."""

    rule: AnyRule
    test: Predicate
    chance: float
    action: Action
    span: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """A chain; `policy` is "" for one that the kernel does not call, `hook` is told where the chain's name does not tell it."""

    name: str
    policy: str
    lines: tuple[Line, ...]
    hook: str = ""

    @property
    def ending(self) -> str:
        """What its policy says, as its program writes it."""
        return f"(hook {self.hook}) policy {self.policy.lower()}" if self.hook else f"policy {self.policy}"


class Book(Protocol):
    """The chains of one table."""

    def lines(self, chain: str) -> Lines:
        """A chain by its name. Raises KeyError."""
        ...
