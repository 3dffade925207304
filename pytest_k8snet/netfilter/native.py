"""Native nftables chains at a hook."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..parse.nft import BaseChain, NftRuleset
from .asked import Asked, Stage
from .book import native_book
from .branch import Branch, Verdict, either
from .packet import Packet, parsed
from .truth import Place
from .walk import walk_book

CONNTRACK = -200  # before this priority no packet has a connection
_EARLY_HOOKS = ("PREROUTING", "OUTPUT")
_DEVICE_HOOKS = {"ingress": ("PREROUTING", -1_000_000), "egress": ("POSTROUTING", 1_000_000)}
_WITHOUT_FILTER = ("PREROUTING", "POSTROUTING")


def native_chains(ruleset: NftRuleset, hook: str, packet: Packet, shown: Callable[[str, str], bool]) -> Iterator[Asked]:
    """The base chains that see the packet. `shown` tells which chains of a family's own tables iptables-nft-save lists already."""
    families = ("inet", "bridge", "netdev", "ip" if parsed(packet.dst).version == 4 else "ip6")
    for chain in ruleset.base_chains:
        at, shift = _DEVICE_HOOKS.get(chain.hook, (chain.hook.upper(), 0))
        ours = at == hook and chain.family in families and (chain.rules or chain.policy != "accept")
        if ours and not (chain.family in ("ip", "ip6") and shown(chain.table, chain.name)):
            yield Asked(_table(chain, hook), chain.priority + shift, _walked(ruleset, chain, hook))


def _table(chain: BaseChain, hook: str) -> str:
    """What the chain is for, told by its priority: what filters does so at 0 or later, where a table filter is."""
    if chain.type == "nat":
        return "nat"
    if chain.priority < CONNTRACK and hook in _EARLY_HOOKS:
        return "raw"
    return "mangle" if chain.priority < 0 or hook in _WITHOUT_FILTER else "filter"


def _walked(ruleset: NftRuleset, chain: BaseChain, hook: str) -> Stage:
    place = Place(hook, early=hook in _EARLY_HOOKS and chain.priority < CONNTRACK)
    chains = native_book(ruleset, chain.family, chain.table)

    def walk(packet: Packet) -> tuple[Branch, ...]:
        return walk_book(chains, chain.name, packet, place, "native", f"{chain.family} {chain.table}")

    if chain.family in ("bridge", "netdev") or chain.hook in _DEVICE_HOOKS:
        return lambda packet: _perhaps(chain, packet, walk(packet))
    return walk


def _perhaps(chain: BaseChain, packet: Packet, branches: tuple[Branch, ...]) -> list[Branch]:
    """Chains of bridges and devices see packets only where the sample does not tell: on a bridge, at a certain device."""
    device = packet.in_iface if chain.hook == "ingress" else packet.out_iface
    untouched = [Branch(Verdict.ACCEPT, packet)]
    if chain.devices and device and device not in chain.devices:
        return untouched
    return list(branches) if chain.devices and device else either(list(branches), untouched)
