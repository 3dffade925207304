"""`nft -j list ruleset` (libnftables-json(5)): tables, chains with their rules, sets and maps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .errors import ParseError
from .nft_expression import Members, Pairs, Statement
from .nft_read import elements, statement

WHAT = "nft -j list ruleset output"
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class NftRule:
    """One rule; `number` counts from 1 in its chain."""

    chain: str
    number: int
    statements: tuple[Statement, ...]
    comment: str = ""
    handle: int = 0

    @property
    def raw(self) -> str:
        """The rule as nft writes it."""
        return " ".join(map(str, self.statements)) + (f' comment "{self.comment}"' if self.comment else "")


@dataclass(frozen=True, slots=True)
class NftSet:
    """A named set, or map if `values` says what it maps to ("verdict", "ipv4_addr" ...)."""

    family: str
    table: str
    name: str
    types: tuple[str, ...]
    elements: Members | Pairs
    values: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NftChain:
    """A chain of a native table."""

    family: str  # "ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev"
    table: str
    name: str
    rules: tuple[NftRule, ...] = ()


@dataclass(frozen=True, slots=True)
class BaseChain(NftChain):
    """A chain that the kernel calls; `devices` limit one at ingress or egress."""

    type: str = ""  # "filter" | "nat" | "route"
    hook: str = ""  # "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress"
    priority: int = 0
    policy: str = "accept"  # "accept" | "drop"
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class NftRuleset:
    """All tables of all families, those written by iptables-nft among them; compared by identity."""

    tables: tuple[tuple[str, str], ...]  # (family, name)
    chains: tuple[NftChain, ...]
    sets: tuple[NftSet, ...] = ()
    dormant: frozenset[tuple[str, str]] = frozenset()  # tables whose base chains are switched off

    @property
    def base_chains(self) -> tuple[BaseChain, ...]:
        """The chains that the kernel calls."""
        return tuple(chain for chain in self.chains if isinstance(chain, BaseChain) and (chain.family, chain.table) not in self.dormant)

    def chain(self, family: str, table: str, name: str) -> NftChain | None:
        """A chain by its full name."""
        return self._chains.get((family, table, name))

    def set(self, family: str, table: str, name: str) -> NftSet | None:
        """A set or map by its full name."""
        return self._sets.get((family, table, name))

    @cached_property
    def _chains(self) -> dict[Key, NftChain]:
        return {(chain.family, chain.table, chain.name): chain for chain in self.chains}

    @cached_property
    def _sets(self) -> dict[Key, NftSet]:
        return {(one.family, one.table, one.name): one for one in self.sets}


def parse_json(text: str) -> NftRuleset:
    """Raises ParseError when the text is no JSON, or a part lacks what every part has."""
    objects = _objects(text)
    try:
        return _ruleset(objects)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ParseError(f"{WHAT}: a part of it is incomplete ({error!r})") from error


def _ruleset(objects: list[tuple[str, Any]]) -> NftRuleset:
    tables = [body for kind, body in objects if kind == "table"]
    rules = _rules(objects)
    return NftRuleset(
        tuple((body["family"], body["name"]) for body in tables),
        tuple(_chain(body, tuple(rules.get(_key(body, "name"), ()))) for kind, body in objects if kind == "chain"),
        tuple(_set(body) for kind, body in objects if kind in ("set", "map")),
        frozenset((body["family"], body["name"]) for body in tables if "dormant" in _words(body.get("flags"))),
    )


def _objects(text: str) -> list[tuple[str, Any]]:
    try:
        listed = json.loads(text)["nftables"]
        return [(kind, body) for entry in listed for kind, body in entry.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(f"{WHAT}: no JSON list under nftables", 0, text) from error


def _rules(objects: list[tuple[str, Any]]) -> dict[Key, list[NftRule]]:
    rules: dict[Key, list[NftRule]] = {}
    for kind, body in objects:
        if kind == "rule":
            known = rules.setdefault(_key(body, "chain"), [])
            known.append(_rule(body, len(known) + 1))
    return rules


def _rule(body: Any, number: int) -> NftRule:
    statements = tuple(map(statement, body.get("expr") or ()))
    return NftRule(body["chain"], number, statements, str(body.get("comment") or ""), int(body.get("handle") or 0))


def _key(body: Any, name: str) -> Key:
    return body["family"], body["table"], body[name]


def _chain(body: Any, rules: tuple[NftRule, ...]) -> NftChain:
    if "hook" not in body:
        return NftChain(*_key(body, "name"), rules)
    return BaseChain(
        *_key(body, "name"),
        rules=rules,
        type=body["type"],
        hook=body["hook"],
        priority=int(body["prio"]),
        policy=body.get("policy", "accept"),
        devices=_words(body.get("dev")),
    )


def _set(body: Any) -> NftSet:
    values = body.get("map", "")
    return NftSet(
        *_key(body, "name"),
        types=_words(body["type"]),
        elements=elements(body.get("elem") or []),
        values=values if isinstance(values, str) else json.dumps(values),
        flags=_words(body.get("flags")),
    )


def _words(raw: Any) -> tuple[str, ...]:
    """A name, or a list of them."""
    return tuple(_flat(raw))


def _flat(raw: Any) -> Iterator[str]:
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, list):
        yield from (word if isinstance(word, str) else json.dumps(word) for word in raw)
    elif raw is not None:
        yield json.dumps(raw)
