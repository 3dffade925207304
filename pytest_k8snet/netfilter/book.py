"""Tables ready to be walked, each prepared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from ..parse.nft import BaseChain, NftChain, NftRuleset, NftSet
from ..parse.nft_expression import Members, Named, Pairs
from ..parse.ruleset import Rule, Ruleset, Table
from .connection import chance
from .line import Line, Lines
from .match import predicate
from .native_rule import lines
from .target import action
from .truth import all_of, always, unknown


@dataclass(slots=True)
class TableBook:
    """A table of iptables."""

    table: Table
    ready: dict[str, Lines] = field(default_factory=dict)

    def lines(self, chain: str) -> Lines:
        """A chain by its name. Raises KeyError."""
        if chain not in self.ready:
            found = self.table.chains[chain]
            self.ready[chain] = Lines(chain, found.policy, tuple(_line(rule, self.table) for rule in found.rules))
        return self.ready[chain]


@dataclass(slots=True)
class NativeBook:
    """A native nftables table."""

    chains: Mapping[str, NftChain]
    sets: Mapping[str, NftSet]
    ready: dict[str, Lines] = field(default_factory=dict)

    def lines(self, chain: str) -> Lines:
        """A chain by its name. Raises KeyError."""
        if chain not in self.ready:
            self.ready[chain] = self._read(chain)
        return self.ready[chain]

    def _read(self, name: str) -> Lines:
        chain = self.chains[name]
        policy, hook = (chain.policy.upper(), chain.hook) if isinstance(chain, BaseChain) else ("", "")
        return Lines(name, policy, tuple(line for rule in chain.rules for line in lines(rule, self._elements)), hook)

    def _elements(self, named: Named) -> Members | Pairs | None:
        found = self.sets.get(named.name)
        return found.elements if found else None


_TABLES: WeakKeyDictionary[Ruleset, dict[str, TableBook]] = WeakKeyDictionary()
_NATIVE: WeakKeyDictionary[NftRuleset, dict[tuple[str, str], NativeBook]] = WeakKeyDictionary()


def book(ruleset: Ruleset, table: str) -> TableBook:
    """A table of an iptables dump. Raises KeyError for one that it does not hold."""
    ready = _TABLES.setdefault(ruleset, {})
    if table not in ready:
        ready[table] = TableBook(ruleset.tables[table])
    return ready[table]


def native_book(ruleset: NftRuleset, family: str, table: str) -> NativeBook:
    """A native table."""
    ready = _NATIVE.setdefault(ruleset, {})
    if (family, table) not in ready:
        here = family, table
        chains = {chain.name: chain for chain in ruleset.chains if (chain.family, chain.table) == here}
        ready[here] = NativeBook(chains, {one.name: one for one in ruleset.sets if (one.family, one.table) == here})
    return ready[family, table]


def _line(rule: Rule, table: Table) -> Line:
    tests, share = [], 1.0
    for match in rule.matches:
        if match.name != "statistic":
            tests.append(predicate(match))
            continue
        try:
            share *= chance(match)
        except (ValueError, IndexError, ZeroDivisionError):
            tests.append(unknown)
    test = all_of(tuple(tests)) if tests else always
    return Line(rule, test if share > 0 else lambda _packet, _place: False, share, action(rule, table.chains))
