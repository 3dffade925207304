"""`nft -j list ruleset` (libnftables-json(5)): base chains with hook, priority and policy; rules are kept raw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ParseError

WHAT = "nft -j list ruleset output"


@dataclass(frozen=True, slots=True)
class NftChain:
    """A chain of a native table; `rules` are the raw JSON objects of its rules, not interpreted."""

    family: str  # "ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev"
    table: str
    name: str
    rules: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class BaseChain(NftChain):
    """A chain that the kernel calls."""

    type: str = ""  # "filter" | "nat" | "route"
    hook: str = ""  # "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress"
    priority: int = 0
    policy: str = "accept"  # "accept" | "drop"


@dataclass(frozen=True, slots=True)
class NftRuleset:
    """All tables of all families, those written by iptables-nft among them."""

    tables: tuple[tuple[str, str], ...]  # (family, name)
    chains: tuple[NftChain, ...]

    @property
    def base_chains(self) -> tuple[BaseChain, ...]:
        """The chains that have a hook."""
        return tuple(chain for chain in self.chains if isinstance(chain, BaseChain))

    def chain(self, family: str, table: str, name: str) -> NftChain | None:
        """A chain by its full name."""
        return next((chain for chain in self.chains if (chain.family, chain.table, chain.name) == (family, table, name)), None)


def parse_json(text: str) -> NftRuleset:
    """Raises ParseError when the text is no JSON, or a part lacks what every part has."""
    objects = _objects(text)
    try:
        tables = tuple((body["family"], body["name"]) for kind, body in objects if kind == "table")
        rules = _rules(objects)
        return NftRuleset(
            tables, tuple(_chain(body, tuple(rules.get(_key(body, "name"), ()))) for kind, body in objects if kind == "chain")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError(f"{WHAT}: a part of it is incomplete ({error!r})") from error


def _objects(text: str) -> list[tuple[str, Any]]:
    try:
        listed = json.loads(text)["nftables"]
        return [(kind, body) for entry in listed for kind, body in entry.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(f"{WHAT}: no JSON list under nftables", 0, text) from error


def _rules(objects: list[tuple[str, Any]]) -> dict[tuple[str, str, str], list[Mapping[str, Any]]]:
    rules: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for kind, body in objects:
        if kind == "rule":
            rules.setdefault(_key(body, "chain"), []).append(body)
    return rules


def _key(body: Any, name: str) -> tuple[str, str, str]:
    return body["family"], body["table"], body[name]


def _chain(body: Any, rules: tuple[Mapping[str, Any], ...]) -> NftChain:
    if "hook" not in body:
        return NftChain(*_key(body, "name"), rules)
    return BaseChain(*_key(body, "name"), rules, body["type"], body["hook"], int(body["prio"]), body.get("policy", "accept"))
