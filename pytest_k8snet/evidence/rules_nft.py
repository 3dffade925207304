"""kube-proxy's nftables tables: base chains, sets and maps by what the kernel calls and holds, masquerading by what it does to packets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.branch import Step
from pytest_k8snet.netfilter.hooks import postrouting
from pytest_k8snet.parse.nft import NftRule, NftRuleset
from pytest_k8snet.parse.nft_expression import Concat, Expression, Pairs, Translate
from pytest_k8snet.parse.objects import proxy_mode

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import NodeRules
from .rules_proxy import NAT, Proxy, forwarded, masquerade_rules

TABLE = "kube-proxy"
FAMILIES = {Family.IPV4: "ip", Family.IPV6: "ip6"}
HOOKED = {"nat prerouting": -100, "nat output": -100, "nat postrouting": 100}
# filter hooks and priorities: from kubernetes/kubernetes#132456 (2025) on, and the two forms before
FILTERS: tuple[frozenset[tuple[str, int]], ...] = (
    frozenset({("prerouting", -110), ("output", -110), ("input", 0), ("forward", 0), ("output", 0)}),
    frozenset({("prerouting", -110), ("input", -110), ("forward", -110), ("output", -110), ("output", -90)}),
    frozenset({("prerouting", -110), ("input", -110), ("forward", -110), ("output", -110)}),
)
MAPS = ("service-ips", "service-nodeports", "no-endpoint-services", "no-endpoint-nodeports", "firewall-ips")
SETS = ("cluster-ips", "nodeport-ips")
THERE, MISSING = "there", "missing"
OLDEST_KERNEL = (5, 13)
OVERRIDE = "KUBE_PROXY_NFTABLES_SKIP_KERNEL_VERSION_CHECK"
RANDOM = "fully-random"


def nft_base_chains(facts: NodeFacts) -> Comparison:
    """What the kernel calls in the table of each family: translations at the usual places, and filters in one of the known forms."""
    rules = _native(facts)
    found: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for family in _families(facts):
        here = [chain for chain in rules.base_chains if (chain.family, chain.table) == (family, TABLE)]
        for place, priority in HOOKED.items():
            kind, hook = place.split()
            key = f"{family} {TABLE} {place}"
            found[key] = tuple(sorted(chain.priority for chain in here if (chain.type, chain.hook) == (kind, hook)))
            expected[key] = (priority,)
        filters = frozenset((chain.hook, chain.priority) for chain in here if chain.type == "filter")
        known = filters if filters in FILTERS else FILTERS[0]
        found[f"{family} {TABLE} filter"], expected[f"{family} {TABLE} filter"] = _spelled(filters), _spelled(known)
    return Comparison("priorities of kube-proxy's base chains (nft -j list ruleset)", found, expected)


def nft_maps(facts: NodeFacts) -> Comparison:
    """The sets and maps, and one element for every ClusterIP port that has endpoints."""
    rules = _native(facts)
    found: dict[str, str] = {}
    for family in _families(facts):
        for name in (*MAPS, *_sets(facts, family)):
            found[f"{family} {TABLE} {name}"] = THERE if rules.set(family, TABLE, name) else MISSING
    expected = dict.fromkeys(found, THERE)
    if Family.IPV4 in facts.inventory.families:
        _add_elements(facts, rules, found, expected)
    return Comparison("kube-proxy's sets and maps (nft -j list ruleset)", found, expected)


def nft_masquerade(facts: NodeFacts) -> Comparison:
    """Marked packets are masqueraded from a random port and lose the mark, unmarked ones are left alone."""
    _require_mode(facts)
    plain = masquerade_rules(facts)
    proxy = Proxy(facts)
    found, expected, notes = dict(plain.actual), dict(plain.expected), dict(plain.notes)
    for words, packet in forwarded(proxy, proxy.mark):
        key = f"{words}, port"
        deciding = {branch.by for branch in postrouting(proxy.rules.worlds, packet, NAT)}
        found[key], expected[key] = _ports(deciding), RANDOM
        notes[key] = "; ".join(sorted(str(step) for step in deciding if step))
    return Comparison(plain.caption, found, expected, notes)


def nft_prerequisites(facts: NodeFacts) -> Comparison:
    """The node's kernel, and whether kube-proxy's own nft was new enough for it to start.

    kube-proxy ends at once when its nft is older than 1.0.1, so one that answers in this mode has a newer one.
    """
    _require_mode(facts)
    if _overridden(facts):
        raise NotApplicable(f"{OVERRIDE} is set in DaemonSet kube-system/kube-proxy: its own check is off")
    kernel = str((facts.api.get("status") or {}).get("nodeInfo", {}).get("kernelVersion") or "")
    facts.used.append({"object": f"node/{facts.node}", "kernelVersion": kernel})
    number = re.match(r"(\d+)\.(\d+)", kernel)
    if number is None:
        raise Inconclusive(f"{facts.node}: the Node object does not tell the kernel's version (kernelVersion {kernel!r})")
    enough = (int(number[1]), int(number[2])) >= OLDEST_KERNEL
    found = {"kernel": kernel, "kube-proxy with its nft": facts.text("proxy-mode").strip()}
    expected = {"kernel": kernel if enough else "5.13 or newer", "kube-proxy with its nft": proxy_mode(facts.recording)}
    notes = {"kube-proxy with its nft": "mode it answers with; it does not start with an nft older than 1.0.1"}
    return Comparison("what kube-proxy's nftables mode needs", found, expected, notes)


def _require_mode(facts: NodeFacts) -> None:
    mode = facts.inventory.proxy
    if mode != "nftables":
        raise NotApplicable(f"kube-proxy runs in mode {mode or 'unknown'}, not nftables")


def _native(facts: NodeFacts) -> NftRuleset:
    _require_mode(facts)
    rules = NodeRules(facts).worlds.native
    if rules is None:
        raise Inconclusive(f"{facts.node}: nft -j list ruleset was not read")
    return rules


def _families(facts: NodeFacts) -> tuple[str, ...]:
    return tuple(FAMILIES[family] for family in facts.inventory.families)


def _spelled(filters: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    return tuple(f"{hook} {priority}" for hook, priority in sorted(filters))


def _sets(facts: NodeFacts, family: str) -> tuple[str, ...]:
    """Without the set of node port addresses where every address accepts them (nodePortAddresses 0.0.0.0/0, ::/0)."""
    everything = "0.0.0.0/0" if family == "ip" else "::/0"
    return SETS[:1] if everything in (facts.proxy_config.get("nodePortAddresses") or ()) else SETS


def _add_elements(facts: NodeFacts, rules: NftRuleset, found: dict[str, str], expected: dict[str, str]) -> None:
    services = rules.set("ip", TABLE, "service-ips")
    held = set(_keys(services.elements)) if services and isinstance(services.elements, Pairs) else set()
    ports = {f"{port.address} . {port.protocol} . {port.port}": port for port in Proxy(facts).ports}
    for key, port in ports.items():
        if port.always:
            found[f"service-ips {key} ({port.name})"] = THERE if key in held else MISSING
            expected[f"service-ips {key} ({port.name})"] = THERE
    foreign = _outside_addresses(facts)
    for key in sorted(held - set(ports)):
        if key.partition(" ")[0] not in foreign and " sctp " not in key:
            found[f"service-ips {key}"] = THERE


def _keys(elements: Pairs) -> Iterator[str]:
    return (_key(key) for key, _ in elements.pairs)


def _key(key: Expression) -> str:
    return " . ".join(map(str, key.parts)) if isinstance(key, Concat) else str(key)


def _outside_addresses(facts: NodeFacts) -> frozenset[str]:
    """Addresses of Services that are no ClusterIPs: kube-proxy keeps them in the same map."""
    services = (facts.recording.object("services") or {}).get("items") or ()
    return frozenset(address for service in services for address in _external(service))


def _external(service: Mapping[str, Any]) -> Iterator[str]:
    yield from (service.get("spec") or {}).get("externalIPs") or ()
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    yield from (entry["ip"] for entry in balancer.get("ingress") or () if entry.get("ip"))


def _ports(deciding: Iterable[Step | None]) -> str:
    """How the new port is chosen, by the rules that masquerade."""
    rules = [step.rule for step in deciding if step]
    flags = {flag for rule in rules if isinstance(rule, NftRule) for flag in _flags(rule)}
    return RANDOM if rules and flags == {RANDOM} else ", ".join(sorted(flags)) or "not at random"


def _flags(rule: NftRule) -> Iterator[str]:
    for statement in rule.statements:
        if isinstance(statement, Translate):
            yield from statement.flags or ("not at random",)


def _overridden(facts: NodeFacts) -> bool:
    daemonsets = (facts.recording.object("daemonsets/kube-system") or {}).get("items") or ()
    pods = [item["spec"]["template"]["spec"] for item in daemonsets if item["metadata"]["name"] == TABLE]
    return any(env.get("name") == OVERRIDE for pod in pods for one in pod.get("containers") or () for env in one.get("env") or ())


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "nft_base_chains": nft_base_chains,
    "nft_maps": nft_maps,
    "nft_masquerade": nft_masquerade,
    "nft_prerequisites": nft_prerequisites,
}
