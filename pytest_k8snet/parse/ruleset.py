"""Values for the rules of iptables or ip6tables, as one of its two variants (legacy, nft) lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a match or target, without dashes: `! --ctstate NEW` is Option("ctstate", True, ("NEW",))."""

    name: str
    negated: bool = False
    args: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """First argument, "" if none."""
        return self.args[0] if self.args else ""


@dataclass(frozen=True, slots=True)
class Match:
    """A loaded match (`-m name` and its options) or a built-in one: protocol, source, destination, in-interface, out-interface, fragment.

    `unread` holds words that belong to no option; a match with any cannot be judged.
    """

    name: str
    options: tuple[Option, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def negated(self) -> bool:
        """Whether its first option is negated."""
        return bool(self.options) and self.options[0].negated

    @property
    def args(self) -> tuple[str, ...]:
        """Arguments of all options in order."""
        return tuple(word for option in self.options for word in option.args)

    def option(self, name: str) -> Option | None:
        """The first option of that name."""
        return next((option for option in self.options if option.name == name), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `number` counts from 1 in its chain, like `iptables -L --line-numbers`; `raw` is the rule as listed, without counters."""

    table: str
    chain: str
    number: int
    matches: tuple[Match, ...]
    target: str  # chain or target name, "" for a rule that only counts
    target_options: tuple[Option, ...]
    goto: bool  # -g instead of -j
    raw: str
    line: int
    packets: int | None = None
    bytes: int | None = None

    @property
    def comment(self) -> str:
        """All comments joined by a space, "" if none."""
        return " ".join(match.args[0] for match in self.matches if match.name == "comment" and match.args)

    def match(self, name: str) -> Match | None:
        """The first match of that name."""
        return next((match for match in self.matches if match.name == name), None)

    def option(self, name: str) -> Option | None:
        """The first option of that name among all matches; built-in ones by their long name (`source`, `protocol`)."""
        return next((option for match in self.matches for option in match.options if option.name == name), None)

    def target_option(self, name: str) -> Option | None:
        """The first option of that name of the target."""
        return next((option for option in self.target_options if option.name == name), None)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain in order. `policy` is "ACCEPT" or "DROP" for a built-in chain, "" for a user chain."""

    name: str
    policy: str
    rules: tuple[Rule, ...] = ()
    packets: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table's chains by name, in the order of the dump."""

    name: str
    chains: Mapping[str, Chain]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Ruleset:
    """What one `*tables-save` printed; compared by identity.

    `opaque` names tables which the tool reported but could not show: their rules are unknown.
    """

    variant: str  # "legacy" | "nft" | "" when the header does not tell
    tables: Mapping[str, Table]
    opaque: Mapping[str, str] = field(default_factory=dict)  # table -> the tool's remark

    def chain(self, table: str, chain: str) -> Chain | None:
        """A chain, None when the table or the chain does not exist."""
        found = self.tables.get(table)
        return found.chains.get(chain) if found else None

    def rules(self, table: str, chain: str) -> tuple[Rule, ...]:
        """Rules of a chain in order; empty when it does not exist."""
        found = self.chain(table, chain)
        return found.rules if found else ()

    def walk_rules(self) -> Iterator[tuple[Table, Rule]]:
        """Every rule with its table."""
        return ((table, rule) for table in self.tables.values() for chain in table.chains.values() for rule in chain.rules)

    @property
    def empty(self) -> bool:
        """Whether it does nothing: no rule, no opaque table, and no policy but ACCEPT."""
        chains = [chain for table in self.tables.values() for chain in table.chains.values()]
        return not self.opaque and not any(chain.rules or chain.policy not in ("", "ACCEPT") for chain in chains)
