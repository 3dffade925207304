"""flannel's nftables mode: its tables, what they do to pod traffic, and nothing of its iptables mode left."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.hooks import Worlds, forward, postrouting
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.parse.nft import NftRuleset

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import OUTSIDE, NodeRules

TABLES = {Family.IPV4: ("ip", "flannel-ipv4"), Family.IPV6: ("ip6", "flannel-ipv6")}
HOOKS = {"forward": "filter", "postrouting": "nat"}  # of its chains forward and postrtg
CHAINS = "FLANNEL-"
ACCEPTED, MASQUERADED, KEPT = "accepted by a rule", "masqueraded", "kept"


def flannel_tables(facts: NodeFacts) -> Comparison:
    """A base chain at each hook that flannel needs, whatever its name; what its IPv4 table does to packets; chains left over."""
    if not facts.inventory.flannel_nftables:
        raise NotApplicable("flannel runs in iptables mode (EnableNFTables)")
    rules = NodeRules(facts)
    native = rules.worlds.native
    if native is None:
        raise Inconclusive(f"{facts.node}: nft -j list ruleset was not read")
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    notes: dict[str, str] = {}
    for family in facts.inventory.families:
        place = TABLES[family]
        for hook, kind in HOOKS.items():
            here = [c for c in native.base_chains if (c.family, c.table) == place and (c.hook, c.type) == (hook, kind)]
            key = f"table {' '.join(place)}, {kind} chain at hook {hook}"
            found[key], expected[key] = ("there" if here else "missing"), "there"
    if Family.IPV4 in facts.inventory.families:
        worlds = _alone(native)
        _add_packets(rules, worlds, found, expected)
        _add_inbound(rules, worlds, found, expected, notes)
    left = sorted({chain for _, world in rules.worlds.xtables() for table in world.tables.values() for chain in table.chains})
    found["chains of flannel's iptables mode"] = ", ".join(name for name in left if name.startswith(CHAINS)) or "none"
    expected["chains of flannel's iptables mode"] = "none"
    return Comparison("flannel in nftables mode (nft -j list ruleset)", found, expected, notes)


def _add_packets(rules: NodeRules, worlds: Worlds, found: dict[str, str], expected: dict[str, str]) -> None:
    for node, cidr in rules.remote_cidrs:
        words = f"pod {rules.pod} > pod {rules.remote_pod(cidr)} of {node}"
        packet = rules.forwarded(rules.pod, rules.remote_pod(cidr))
        for key, one in ((words, packet), (f"reply to {words}", packet.answer())):
            found[f"{key}, forwarding"], expected[f"{key}, forwarding"] = _passed(forward(worlds, one)), ACCEPTED
        found[f"{words}, source"], expected[f"{words}, source"] = _source(worlds, packet), KEPT
    outwards = f"pod {rules.pod} > outside, source"
    found[outwards], expected[outwards] = _source(worlds, rules.forwarded(rules.pod, OUTSIDE)), MASQUERADED


def _add_inbound(rules: NodeRules, worlds: Worlds, found: dict[str, str], expected: dict[str, str], notes: dict[str, str]) -> None:
    """The last rule is for what this node forwards from outside to pods of another: its answer must come back through this node."""
    ends = {f"{rules.remote_pod(cidr)} of {node}": (rules.remote_pod(cidr), MASQUERADED) for node, cidr in rules.remote_cidrs}
    for words, (address, wanted) in ({f"{rules.pod} of this node": (rules.pod, KEPT)} | ends).items():
        key = f"outside > pod {words}, source"
        packet = rules.forwarded(OUTSIDE, address)
        found[key], expected[key] = _source(worlds, packet), wanted
        notes[key] = next((str(branch.steps[-1]) for branch in postrouting(worlds, packet) if branch.steps), "")


def _alone(native: NftRuleset) -> Worlds:
    """flannel's own IPv4 table, and no other rules."""
    chains = tuple(chain for chain in native.chains if (chain.family, chain.table) == TABLES[Family.IPV4])
    return Worlds(native=NftRuleset(native.tables, chains, native.sets, native.dormant))


def _passed(branches: Iterable[Branch]) -> str:
    branches = tuple(branches)
    if any(branch.uncertain for branch in branches):
        return f"not known: {branches[0].trace}"
    if all(branch.verdict.passes and branch.by for branch in branches):
        return ACCEPTED
    return next((f"{branch.verdict} by {branch.by}" for branch in branches if not branch.verdict.passes), "accepted by no rule")


def _source(worlds: Worlds, packet: Packet) -> str:
    branches = postrouting(worlds, packet)
    if any(branch.uncertain for branch in branches):
        return f"not known: {branches[0].trace}"
    kinds = {MASQUERADED if branch.verdict in ("masquerade", "snat") else KEPT for branch in branches}
    return " or ".join(sorted(kinds))


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"flannel_tables": flannel_tables}
