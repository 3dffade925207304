"""A packet at the five hooks, through every world of rules at once, in the kernel's order.

A node may hold rules in three worlds: iptables-nft, iptables-legacy and native nftables tables. All apply; a drop in any is final.
Order of tables and native chains at a hook by priority: raw -300, (connection tracking -200), mangle -150, destination NAT -100, filter 0,
security 50, source NAT 100 (Linux include/uapi/linux/netfilter_ipv4.h). With the same priority the order depends on which was loaded
first: every order is tried, and where they differ the branches are uncertain. NAT decides once per connection and direction: all nat
chains are asked at the priority of NAT, by their own priorities among themselves, until one translates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import chain as flattened
from itertools import groupby, permutations, product

from ..parse.nft import NftRuleset
from ..parse.ruleset import Ruleset
from .asked import Asked, Stage, priority
from .branch import Branch, Verdict, either, merge
from .native import native_chains
from .packet import Packet
from .walk import walk

_TABLES = {
    "PREROUTING": ("raw", "mangle", "nat"),
    "INPUT": ("mangle", "filter", "security", "nat"),
    "FORWARD": ("mangle", "filter", "security"),
    "OUTPUT": ("raw", "mangle", "nat", "filter", "security"),
    "POSTROUTING": ("mangle", "nat"),
}
MOST_AT_ONCE = 4  # chains with one priority whose every order is tried
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


def prerouting(worlds: Worlds, packet: Packet, only: frozenset[str] = _IPTABLES) -> tuple[Branch, ...]:
    """A packet that came in by a device.

    `only` limits the tables that are asked, here and below; native chains count as the table whose work they do.
    """
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
    asked = sorted((one for one in _asked(worlds, hook, packet) if one.table in only), key=lambda one: one.priority)
    nat = [one for one in asked if one.nat]
    stages = [(at, _passed(list(group))) for at, group in groupby((one for one in asked if not one.nat), key=lambda one: one.priority)]
    stages += [(priority("nat", hook), _translated(nat, hook))] if "nat" in _TABLES[hook] and "nat" in only else []
    branches: tuple[Branch, ...] = (Branch(Verdict.ACCEPT, packet),)
    for _, stage in sorted(stages, key=lambda pair: pair[0]):
        branches = then(branches, stage)
    return branches


def _asked(worlds: Worlds, hook: str, packet: Packet) -> Iterator[Asked]:
    """Every chain that is asked at a hook."""
    for table in _TABLES[hook]:
        for name, rules in worlds.xtables():
            if _matters(rules, table, hook):
                yield Asked(table, priority(table, hook), _walked(worlds, name, rules, table, hook))
    if worlds.native:
        shown = worlds.nft.tables if worlds.nft else {}
        yield from native_chains(worlds.native, hook, packet, lambda table, name: table in shown and name in shown[table].chains)


def _matters(rules: Ruleset, table: str, hook: str) -> bool:
    chain = rules.chain(table, hook)
    return table in rules.opaque or (chain is not None and bool(chain.rules or chain.policy != "ACCEPT"))


def _walked(worlds: Worlds, name: str, rules: Ruleset, table: str, hook: str) -> Stage:
    return lambda packet: walk(rules, table, hook, packet, worlds.sets, name)


def _passed(group: list[Asked]) -> Stage:
    """One after the other, until one drops the packet."""
    return lambda packet: _any_order([group], lambda order, ask: _in_turn(order, ask, packet))


def _translated(nat: list[Asked], hook: str) -> Stage:
    groups = [list(group) for _, group in groupby(nat, key=lambda one: one.priority)]
    return lambda packet: _translate(groups, hook, packet)


_Ask = Callable[[Asked, Packet], tuple[Branch, ...]]


def _any_order(groups: list[list[Asked]], run: Callable[[Iterable[Asked], _Ask], list[Branch]]) -> list[Branch]:
    """Groups in turn, within a group every order. No chain is asked twice about the same packet."""
    answers: dict[tuple[int, Packet], tuple[Branch, ...]] = {}

    def ask(one: Asked, packet: Packet) -> tuple[Branch, ...]:
        key = id(one), packet
        if key not in answers:
            answers[key] = one.answer(packet)
        return answers[key]

    orders = [flattened.from_iterable(order) for order in product(*map(_orders, groups))]
    return reduce(lambda known, order: either(run(order, ask), known), orders[1:], run(orders[0], ask))


def _orders(group: list[Asked]) -> list[tuple[Asked, ...]]:
    """All orders; where there are too many, each chain comes first in one and last in another."""
    if len(group) <= MOST_AT_ONCE:
        return list(permutations(group))
    turned = [(*group[at:], *group[:at]) for at in range(len(group))]
    return [*turned, *(order[::-1] for order in turned)]


def _in_turn(order: Iterable[Asked], ask: _Ask, packet: Packet) -> list[Branch]:
    branches: tuple[Branch, ...] = (Branch(Verdict.ACCEPT, packet),)
    for one in order:
        branches = then(branches, partial(ask, one))
    return list(branches)


def _translate(groups: list[list[Asked]], hook: str, packet: Packet) -> list[Branch]:
    side = "dst" if hook in ("PREROUTING", "OUTPUT") else "src"
    first = packet.state == "NEW" or (packet.state == "RELATED" and not packet.protocol.startswith("icmp"))
    if side in packet.settled or not first:
        return [Branch(Verdict.ACCEPT, packet)]
    found = _any_order(groups, lambda order, ask: _in_turn_until_translated(order, ask, packet))
    return [replace(branch, packet=replace(branch.packet, settled=branch.packet.settled | {side})) for branch in found]


def _in_turn_until_translated(order: Iterable[Asked], ask: _Ask, packet: Packet) -> list[Branch]:
    """The first chain that sets a translation decides; an ACCEPT in one does not keep the others from translating."""
    branches: list[Branch] = [Branch(Verdict.ACCEPT, packet)]
    for one in order:
        undecided = [branch for branch in branches if branch.verdict is Verdict.ACCEPT]
        branches = [branch for branch in branches if branch.verdict is not Verdict.ACCEPT]
        for branch in undecided:
            branches += [_joined(branch, later) for later in ask(one, branch.packet)]
    return merge(branches)
