"""Which mode kube-proxy runs in, from its three sources."""

from __future__ import annotations

from collections.abc import Callable

from pytest_k8snet.netfilter.hooks import Worlds
from pytest_k8snet.parse.nft import NftRuleset
from pytest_k8snet.parse.objects import proxy_mode

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import NodeRules
from .rules_nft import FAMILIES
from .rules_proxy import Proxy, translates

NONE = "none"
IPVS_DEVICE = "kube-ipvs0"
NFT_TABLE = "kube-proxy"
ENTRY = "KUBE-SERVICES"  # tells an emptied data plane from none; a renamed chain is found by what it does


def mode_sources(facts: NodeFacts) -> Comparison:
    """ConfigMap, kube-proxy's own answer, and the data planes in the kernel."""
    wanted = proxy_mode(facts.recording)
    found = {
        "http://127.0.0.1:10249/proxyMode": (facts.text("proxy-mode").strip(),),
        "data plane in the kernel": tuple(_planes(facts)),
    }
    caption = f"kube-proxy's mode (ConfigMap kube-system/kube-proxy: {wanted or 'unreadable'})"
    return Comparison(caption, found, dict.fromkeys(found, (wanted,)))


def leftovers(facts: NodeFacts) -> Comparison:
    """What another mode would keep in the kernel: kube-proxy does not clean up after itself when its mode changes."""
    mode = facts.inventory.proxy
    proxy = Proxy(facts)
    worlds = proxy.rules.worlds
    tables = worlds.native.tables if worlds.native else ()
    others = {
        "ipvs": ("device", [IPVS_DEVICE] if IPVS_DEVICE in facts.links else []),
        "nftables": ("nftables tables", [f"{family} {name}" for family, name in tables if name == NFT_TABLE]),
        "iptables": ("iptables rules", [] if mode == "iptables" else _service_rules(proxy, mode)),
    }
    found = {f"{what} of mode {other}": tuple(things) or NONE for other, (what, things) in others.items() if other != mode}
    return Comparison(f"leftovers of other modes (kube-proxy runs in mode {mode})", found, dict.fromkeys(found, NONE))


def _service_rules(proxy: Proxy, mode: str) -> list[str]:
    """Rules that translate Service packets; in mode nftables also chains that are named like those and hold rules."""
    xtables = dict(proxy.rules.worlds.xtables())
    active = translates(Worlds(proxy.rules.worlds.nft, proxy.rules.worlds.legacy), proxy)
    found = ["rules that translate Service packets"] if active else []
    named = [(world, table, rules.rules(table, ENTRY)) for world, rules in xtables.items() for table in rules.tables]
    return found + [f"{world} {table} {ENTRY} ({len(rules)} rules)" for world, table, rules in named if rules and mode == "nftables"]


def _planes(facts: NodeFacts) -> list[str]:
    proxy = Proxy(facts)
    rules = proxy.rules.worlds
    others = ["ipvs"] if IPVS_DEVICE in facts.links else []
    others += ["nftables"] if rules.native and _complete(facts, rules.native) else []
    active = translates(Worlds(rules.nft, rules.legacy), proxy)
    return (["iptables"] if active or (not others and _prepared(proxy.rules)) else []) + others


def _complete(facts: NodeFacts, native: NftRuleset) -> bool:
    """Whether kube-proxy's tables are there: one for each family where it is to write them, any at all where it is not."""
    held = {family for family, name in native.tables if name == NFT_TABLE}
    needed = {FAMILIES[family] for family in facts.inventory.families}
    return held >= needed if facts.inventory.proxy == "nftables" else bool(held)


def _prepared(rules: NodeRules) -> bool:
    return any(world.chain("nat", ENTRY) is not None for _, world in rules.worlds.xtables())


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"mode_sources": mode_sources, "leftovers": leftovers}
