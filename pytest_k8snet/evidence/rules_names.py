"""Names of chains against the version that wrote them. Names are no API: these comparisons explain findings of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.netfilter.branch import Branch
from pytest_k8snet.netfilter.hooks import prerouting
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.netfilter.walk import walk
from pytest_k8snet.parse.ruleset import Chain, Rule, Ruleset
from pytest_k8snet.plan.proxy_rules import (
    CANARIES,
    EXTERNAL_SPLIT,
    FILTER_JUMPS,
    FIREWALL_FIRST,
    HINT_FIRST,
    KUBELET_CANARY_LAST,
    MARK_DROP_LAST,
    OWNERSHIP_GATE,
    PROXY_MARK_DROP,
    external_chains,
    filter_jumps,
    known_jump,
)  # fmt: skip

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_versions import kubelet_config, kubelet_minor, proxy_minor
from .rules import OUTSIDE, NodeRules
from .rules_proxy import UNTRANSLATED, Proxy, end, require_ports, translated
from .rules_verdicts import Doubts

MARK_DROP, FIREWALL = "KUBE-MARK-DROP", "KUBE-PROXY-FIREWALL"
DROP_BIT = 15
PRESENT, ABSENT, MISSING, EMPTY = "present", "absent", "missing", "empty"
KIND = re.compile(r"KUBE-(?:EXT|SVL|SVC|XLB|FW)(?=-)")


def jumps(facts: NodeFacts) -> Comparison:
    """Jumps of the table filter to kube-proxy's chains: those its version makes, and no others."""
    minor = proxy_minor(facts)
    found = _found_jumps(_worlds(facts, "filter"))
    wanted = {str(jump): jump.state or "any" for jump in filter_jumps(minor)}
    allowed = {name: state for name, (state, _) in found.items() if name not in wanted and known_jump(minor, *name.split(" > "))}
    notes = {name: raw for name, (_, raw) in found.items()}
    actual = {name: state for name, (state, _) in found.items()}
    return Comparison(f"jumps of filter to kube-proxy's chains, for ctstate (kube-proxy 1.{minor})", actual, wanted | allowed, notes)


def mark_drop(facts: NodeFacts) -> Comparison:
    """Chain KUBE-MARK-DROP: there with its mark up to 1.26, gone since."""
    config = kubelet_config(facts)
    bit = 1 << int(DROP_BIT if config.get("iptablesDropBit") is None else config["iptablesDropBit"])
    kubelet, proxy = kubelet_minor(facts), proxy_minor(facts)
    worlds = _worlds(facts, "nat")
    found = next((_marks(world, bit) for world in worlds.values() if world.chain("nat", MARK_DROP)), ABSENT)
    wanted = f"sets {bit:#x}" if _makes_mark_drop(config, kubelet, proxy) else ABSENT
    return Comparison(f"chain nat {MARK_DROP} (kubelet 1.{kubelet}, kube-proxy 1.{proxy})", {MARK_DROP: found}, {MARK_DROP: wanted})


def canaries(facts: NodeFacts) -> Comparison:
    """Chains by which kube-proxy and kubelet notice a flush and tell others their variant: empty, and all in one variant."""
    found: dict[str, str] = {}
    homes: set[str] = set()
    worlds = _worlds(facts, *CANARIES)
    kubelet, wanted = kubelet_minor(facts), dict[str, str]()
    for table, name in _wanted_chains(facts, kubelet):
        chains = {world: rules.chain(table, name) for world, rules in worlds.items()}
        present = {world: chain for world, chain in chains.items() if chain is not None}
        found[f"{name} in {table}"], wanted[f"{name} in {table}"] = _content(present.values()), EMPTY
        homes |= present.keys()
    if len(homes) > 1:
        found["variants that hold them"], wanted["variants that hold them"] = ", ".join(sorted(homes)), "one"
    return Comparison(f"canary and hint chains (kubelet 1.{kubelet}, kube-proxy 1.{proxy_minor(facts)})", found, wanted)


def external_kinds(facts: NodeFacts) -> Comparison:
    """Kinds of chains that packets from outside, and local ones, pass on their way to the endpoints."""
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    minor = proxy_minor(facts)
    found: dict[str, tuple[str, ...]] = {}
    expected: dict[str, tuple[str, ...]] = {}
    for words, branches, wanted in _ways(proxy, minor):
        if doubt := next((branch for branch in branches if branch.uncertain), None):
            doubts.add(f"{words}: {doubt.by or doubt.trace}")
            continue
        if any(end(branch) != UNTRANSLATED for branch in branches):
            found[words], expected[words] = _kinds(branches), wanted
    guarded = [(port, address) for port in proxy.ports for address in port.guarded if minor >= FIREWALL_FIRST]
    for port, address in guarded:
        words = f"load balancer {address}:{port.port}/{port.protocol} of {port.name}, rules for its sources"
        there = any(_guards(world, address) for _, world in proxy.rules.worlds.xtables())
        found[words], expected[words] = (FIREWALL if there else MISSING,), (FIREWALL,)
    return doubts.settle(Comparison(f"chains of packets to Services from outside (kube-proxy 1.{minor})", found, expected))


def _worlds(facts: NodeFacts, *tables: str) -> Mapping[str, Ruleset]:
    """Raises Inconclusive where a table could not be shown."""
    worlds = dict(NodeRules(facts).worlds.xtables())
    for name, rules in worlds.items():
        if hidden := [rules.opaque[table] for table in tables if table in rules.opaque]:
            raise Inconclusive(f"{facts.node}: {name}: {hidden[0]}")
    return worlds


def _found_jumps(worlds: Mapping[str, Ruleset]) -> dict[str, tuple[str, str]]:
    """ "FORWARD > KUBE-FORWARD" -> the connection state it asks for ("any"), and the rule."""
    targets = {jump.target for jump in FILTER_JUMPS}
    chains = {jump.chain for jump in FILTER_JUMPS}
    rules = [
        rule for world in worlds.values() for chain in sorted(chains) for rule in world.rules("filter", chain) if rule.target in targets
    ]
    return {f"{rule.chain} > {rule.target}": (_state(rule), rule.raw) for rule in reversed(rules)}


def _state(rule: Rule) -> str:
    option = rule.option("ctstate")
    return "any" if option is None else ("! " if option.negated else "") + option.value


def _makes_mark_drop(config: Mapping[str, object], kubelet: int, proxy: int) -> bool:
    """kubelet makes it unless it is told to leave iptables or that chain alone; kube-proxy did for some versions."""
    gates = config.get("featureGates")
    gate = gates.get(OWNERSHIP_GATE) if isinstance(gates, Mapping) else None
    cleaned = kubelet > MARK_DROP_LAST if gate is None else bool(gate)
    return (config.get("makeIPTablesUtilChains") is not False and not cleaned) or proxy in PROXY_MARK_DROP


def _marks(rules: Ruleset, bit: int) -> str:
    branches = walk(rules, "nat", MARK_DROP, Packet(OUTSIDE, OUTSIDE))
    return f"sets {bit:#x}" if all((branch.packet.mark or 0) & bit for branch in branches) else f"does not set {bit:#x}"


def _wanted_chains(facts: NodeFacts, kubelet: int) -> Iterator[tuple[str, str]]:
    if not facts.inventory.proxy:
        raise Inconclusive(f"{facts.node}: the mode of kube-proxy is not known")
    if facts.inventory.proxy == "iptables":
        yield from ((table, "KUBE-PROXY-CANARY") for table in CANARIES)
    if kubelet_config(facts).get("makeIPTablesUtilChains") is False:
        return
    if kubelet <= KUBELET_CANARY_LAST:
        yield from ((table, "KUBE-KUBELET-CANARY") for table in CANARIES)
    if kubelet >= HINT_FIRST:
        yield "mangle", "KUBE-IPTABLES-HINT"


def _content(chains: Iterable[Chain]) -> str:
    counts = [len(chain.rules) for chain in chains]
    return MISSING if not counts else EMPTY if not any(counts) else f"holds {sum(counts)} rules"


def _ways(proxy: Proxy, minor: int) -> Iterator[tuple[str, tuple[Branch, ...], tuple[str, ...]]]:
    for port in proxy.ports:
        if port.node_port and (port.here or not port.external_local):
            words = f"node port {port.node_port}/{port.protocol} of {port.name}"
            yield words, proxy.at_node_port(port), external_chains(minor, port.external_local)
        if port.internal_local and minor >= EXTERNAL_SPLIT:
            yield f"{port}, of which only local endpoints count", proxy.as_client(port, proxy.rules.pod), ("KUBE-SVL",)
        for address in port.guarded:
            words = f"load balancer {address}:{port.port}/{port.protocol} of {port.name}, from outside its sources"
            packet = proxy.rules.arriving(OUTSIDE, address, port.protocol, port.port)
            yield words, translated(prerouting, proxy.rules.worlds, packet), ("KUBE-FW",)


def _kinds(branches: tuple[Branch, ...]) -> tuple[str, ...]:
    """Kinds of chains in the order in which packets enter them."""
    rules = [step.rule for branch in branches[:1] for step in branch.steps if isinstance(step.rule, Rule)]
    found = [match[0] for rule in rules for match in [KIND.match(rule.target)] if match]
    return tuple(dict.fromkeys(found))


def _guards(rules: Ruleset, address: str) -> bool:
    options = (rule.option("destination") for rule in rules.rules("filter", FIREWALL))
    return any(option is not None and option.value.partition("/")[0] == address for option in options)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "jumps": jumps,
    "mark_drop": mark_drop,
    "canaries": canaries,
    "external_kinds": external_kinds,
}
