"""A packet at the five hooks, through every world of rules at once, in the kernel's order.

A node may hold rules in three worlds: iptables-nft, iptables-legacy and native nftables tables. All apply; a drop in any is final.
Order of tables at a hook by priority: raw -300, (connection tracking -200), mangle -150, destination NAT -100, filter 0, security 50,
source NAT 100 (Linux include/uapi/linux/netfilter_ipv4.h). Between worlds with the same table the order depends on which was loaded
first: both orders are tried, and where they differ the branches are uncertain. NAT decides once per connection and direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ..parse.nft import BaseChain, NftRuleset
from ..parse.ruleset import Ruleset
from .branch import Branch, Step, Verdict, either, merge
from .packet import Packet, parsed
from .walk import walk

_TABLES = {
    "PREROUTING": ("raw", "mangle", "nat"),
    "INPUT": ("mangle", "filter", "security", "nat"),
    "FORWARD": ("mangle", "filter", "security"),
    "OUTPUT": ("raw", "mangle", "nat", "filter", "security"),
    "POSTROUTING": ("mangle", "nat"),
}
_PRIORITY = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
_IPTABLES = frozenset({"raw", "mangle", "nat", "filter", "security"})


@dataclass(frozen=True, slots=True)
class Worlds:
    """The rules of one node and one address family; None = this world holds no rules. What was not read must not be passed as None."""

    nft: Ruleset | None = None
    legacy: Ruleset | None = None
    native: NftRuleset | None = None
    sets: Mapping[str, frozenset[str]] = field(default_factory=dict)  # ipset name -> elements

    def xtables(self) -> Iterator[tuple[str, Ruleset]]:
        """The iptables worlds that exist, by name."""
        return ((name, rules) for name, rules in (("nft", self.nft), ("legacy", self.legacy)) if rules is not None)


_Stage = Callable[[Packet], Iterable[Branch]]


def prerouting(worlds: Worlds, packet: Packet, only: frozenset[str] = _IPTABLES) -> tuple[Branch, ...]:
    """A packet that came in by a device. `only` limits the tables of iptables that are asked, here and below."""
    return _hook(worlds, "PREROUTING", packet, only)


def input(worlds: Worlds, packet: Packet, only: frozenset[str] = _IPTABLES) -> tuple[Branch, ...]:
    """A packet for this node itself."""
    return _hook(worlds, "INPUT", packet, only)


def forward(worlds: Worlds, packet: Packet, only: frozenset[str] = _IPTABLES) -> tuple[Branch, ...]:
    """A packet that goes on to somebody else (bridged ones too, where bridge-nf-call-iptables is 1)."""
    return _hook(worlds, "FORWARD", packet, only)


def output(worlds: Worlds, packet: Packet, only: frozenset[str] = _IPTABLES) -> tuple[Branch, ...]:
    """A packet that a process of this node sends."""
    return _hook(worlds, "OUTPUT", packet, only)


def postrouting(worlds: Worlds, packet: Packet, only: frozenset[str] = _IPTABLES) -> tuple[Branch, ...]:
    """A packet that leaves by a device."""
    return _hook(worlds, "POSTROUTING", packet, only)


def then(branches: tuple[Branch, ...], go_on: Callable[[Packet], Iterable[Branch]]) -> tuple[Branch, ...]:
    """Each branch that passes goes on; the NAT or verdict step it had stays known unless a later one decides."""
    found: list[Branch] = []
    for branch in branches:
        found += [_joined(branch, later) for later in go_on(branch.packet)] if branch.verdict.passes else [branch]
    return tuple(merge(found))


def _joined(before: Branch, after: Branch) -> Branch:
    kept = after.verdict in (Verdict.ACCEPT, Verdict.RETURN) and before.verdict is not Verdict.ACCEPT
    return Branch(
        before.verdict if kept else after.verdict,
        after.packet,
        before.probability * after.probability,
        before.uncertain or after.uncertain,
        before.steps + after.steps,
        before.by if kept else after.by or before.by,
    )


def _hook(worlds: Worlds, hook: str, packet: Packet, only: frozenset[str]) -> tuple[Branch, ...]:
    stages = [(_priority(table, hook), _table_stage(worlds, table, hook)) for table in _TABLES[hook] if table in only]
    stages += [(chain.priority, _native_stage(chain)) for chain in _native(worlds, hook, packet)]
    branches: tuple[Branch, ...] = (Branch(Verdict.ACCEPT, packet),)
    for _, stage in sorted(stages, key=lambda pair: pair[0]):
        branches = then(branches, stage)
    return branches


def _priority(table: str, hook: str) -> int:
    if table == "nat":
        return -100 if hook in ("PREROUTING", "OUTPUT") else 100
    return _PRIORITY[table]


def _table_stage(worlds: Worlds, table: str, hook: str) -> _Stage:
    present = [(name, rules) for name, rules in worlds.xtables() if _matters(rules, table, hook)]
    if table == "nat":
        return lambda packet: _translate(worlds, present, hook, packet)
    return lambda packet: _any_order(present, lambda order: _in_turn(worlds, order, table, hook, packet))


def _matters(rules: Ruleset, table: str, hook: str) -> bool:
    chain = rules.chain(table, hook)
    return table in rules.opaque or (chain is not None and bool(chain.rules or chain.policy != "ACCEPT"))


def _any_order(present: list[tuple[str, Ruleset]], run: Callable[[list[tuple[str, Ruleset]]], list[Branch]]) -> list[Branch]:
    first = run(present)
    return first if len(present) < 2 else either(run(present[::-1]), first)


def _in_turn(worlds: Worlds, order: list[tuple[str, Ruleset]], table: str, hook: str, packet: Packet) -> list[Branch]:
    branches: tuple[Branch, ...] = (Branch(Verdict.ACCEPT, packet),)
    for name, rules in order:
        branches = then(branches, partial(_one_world, worlds, name, rules, table, hook))
    return list(branches)


def _one_world(worlds: Worlds, name: str, rules: Ruleset, table: str, hook: str, packet: Packet) -> tuple[Branch, ...]:
    """An ACCEPT by a rule tells something in the filter table only; elsewhere it just ends that table."""
    branches = walk(rules, table, hook, packet, worlds.sets, name)
    if table == "filter":
        return branches
    return tuple(replace(branch, by=None) if branch.verdict is Verdict.ACCEPT else branch for branch in branches)


def _translate(worlds: Worlds, present: list[tuple[str, Ruleset]], hook: str, packet: Packet) -> list[Branch]:
    side = "dst" if hook in ("PREROUTING", "OUTPUT") else "src"
    first = packet.state == "NEW" or (packet.state == "RELATED" and not packet.protocol.startswith("icmp"))
    if side in packet.settled or not first:
        return [Branch(Verdict.ACCEPT, packet)]
    found = _any_order(present, lambda order: _in_turn_until_translated(worlds, order, hook, packet))
    return [replace(branch, packet=replace(branch.packet, settled=branch.packet.settled | {side})) for branch in found]


def _in_turn_until_translated(worlds: Worlds, order: list[tuple[str, Ruleset]], hook: str, packet: Packet) -> list[Branch]:
    """The first world that sets a translation decides; an ACCEPT in one nat table does not keep the other from translating."""
    branches: list[Branch] = [Branch(Verdict.ACCEPT, packet)]
    for name, rules in order:
        undecided = [branch for branch in branches if branch.verdict is Verdict.ACCEPT]
        branches = [branch for branch in branches if branch.verdict is not Verdict.ACCEPT]
        for branch in undecided:
            branches += [_joined(branch, later) for later in _one_world(worlds, name, rules, "nat", hook, branch.packet)]
    return merge(branches)


def _native(worlds: Worlds, hook: str, packet: Packet) -> Iterator[BaseChain]:
    families = ("inet", "bridge", "netdev", "ip" if parsed(packet.dst).version == 4 else "ip6")
    for chain in worlds.native.base_chains if worlds.native else ():
        at = {"ingress": "PREROUTING", "egress": "POSTROUTING"}.get(chain.hook, chain.hook.upper())
        if at == hook and chain.family in families and not _is_iptables(worlds, chain):
            yield chain


def _is_iptables(worlds: Worlds, chain: BaseChain) -> bool:
    """Whether iptables-nft-save showed this chain already."""
    return chain.family in ("ip", "ip6") and worlds.nft is not None and worlds.nft.chain(chain.table, chain.name) is not None


def _native_stage(chain: BaseChain) -> _Stage:
    """A native base chain: its rules are not understood; without rules its policy decides."""

    def run(packet: Packet) -> list[Branch]:
        step = Step("native", f"{chain.family} {chain.table}", chain.name, matched=None, remark=_native_remark(chain))
        if chain.rules:
            return [Branch(Verdict.ACCEPT, packet, 1.0, True, (step,)), Branch(Verdict.UNKNOWN, packet, 1.0, True, (step,), step)]
        if chain.policy == "drop":
            return [Branch(Verdict.DROP, packet, 1.0, False, (step,), step)]
        return [Branch(Verdict.ACCEPT, packet)]

    return run


def _native_remark(chain: BaseChain) -> str:
    if chain.rules:
        return f"(hook {chain.hook}) holds {len(chain.rules)} native nftables rules that are not interpreted"
    return f"(hook {chain.hook}) policy {chain.policy}"
