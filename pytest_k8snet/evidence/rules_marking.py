"""Which Service packets are marked to be masqueraded, and which are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, ip_network

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.branch import Branch

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import OUTSIDE
from .rules_proxy import UNTRANSLATED, Proxy, end, require_ports
from .rules_verdicts import Doubts

MARKED, UNMARKED = "marked", "not marked"
BY_CIDR = ("", "ClusterCIDR")
Case = tuple[str, tuple[Branch, ...]]  # in words, where the packets end


def service_marks(facts: NodeFacts) -> Comparison:
    """The mark itself: of the packets of each kind that must be marked, some carry it; those to node ports do one by one."""
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    marks, notes = _marks(proxy, _hairpins(proxy), doubts)
    kinds = {"endpoints > themselves": marks}
    if _by_cidr(facts):
        kinds["outside the pod network > ClusterIP ports"], more = _marks(proxy, _from_outside(proxy), doubts)
        notes |= more
    ports, more = _marks(proxy, _node_ports(proxy), doubts)
    found = {words: MARKED if MARKED in kind.values() else UNMARKED for words, kind in kinds.items() if kind} | ports
    cited = {words: notes[next(iter(kind))] for words, kind in kinds.items() if kind} | more
    _require(found, doubts, facts)
    return doubts.settle(Comparison(f"packets to be marked {proxy.mark:#x}", found, dict.fromkeys(found, MARKED), cited))


def hairpins(facts: NodeFacts) -> Comparison:
    """An endpoint that asks its own Service and is chosen itself: marked, so that the answer comes back this way."""
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    found, notes = _marks(proxy, _hairpins(proxy), doubts)
    _require(found, doubts, facts)
    return doubts.settle(Comparison(f"hairpin packets, mark {proxy.mark:#x}", found, dict.fromkeys(found, MARKED), notes))


def off_cluster(facts: NodeFacts) -> Comparison:
    """Senders outside clusterCIDR are marked, those inside are not."""
    if not _by_cidr(facts):
        raise NotApplicable("kube-proxy does not tell local traffic by clusterCIDR (config.conf)")
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    found, notes = _marks(proxy, _from_outside(proxy), doubts)
    expected = dict.fromkeys(found, MARKED)
    _require(found, doubts, facts)
    inside, more = _marks(proxy, _from_pods(proxy), doubts)
    wanted = MARKED if _masquerades_all(facts) or not _inside(facts, proxy.rules.pod) else UNMARKED
    caption = f"packets from outside clusterCIDR {facts.proxy_config['clusterCIDR']}, mark {proxy.mark:#x}"
    return doubts.settle(Comparison(caption, found | inside, expected | dict.fromkeys(inside, wanted), notes | more))


def _require(found: dict[str, str], doubts: Doubts, facts: NodeFacts) -> None:
    if not found and not doubts:
        raise Inconclusive(f"{facts.node}: no packet to a Service is translated, so nothing is known about marks")


def _marks(proxy: Proxy, cases: Iterable[Case], doubts: Doubts) -> tuple[dict[str, str], dict[str, str]]:
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    for words, branches in cases:
        if doubt := next((branch for branch in branches if branch.uncertain), None):
            doubts.add(f"{words}: {doubt.by or doubt.trace}")
            continue
        marks = {bool((branch.packet.mark or 0) & proxy.mark) for branch in branches}
        found[words] = " or ".join(sorted({True: MARKED, False: UNMARKED}[mark] for mark in marks)) or UNTRANSLATED
        notes[words] = branches[0].trace.replace("\n", "; ") if branches else "no rule translates it"
    return found, notes


def _hairpins(proxy: Proxy) -> Iterator[Case]:
    """Only of endpoints that are reached at all."""
    for port in proxy.ports:
        for address in sorted(port.always):
            branches = _reaching(proxy.as_client(port, address.rpartition(":")[0]), frozenset({address}))
            if branches:
                yield f"endpoint {address} > itself by {port}", branches


def _from_outside(proxy: Proxy) -> Iterator[Case]:
    yield from _clients(proxy, f"outside {OUTSIDE}", OUTSIDE)


def _from_pods(proxy: Proxy) -> Iterator[Case]:
    yield from _clients(proxy, f"pod {proxy.rules.pod}", proxy.rules.pod)


def _clients(proxy: Proxy, words: str, source: str) -> Iterator[Case]:
    """Only of ports that are translated at all."""
    for port in proxy.ports:
        branches = tuple(branch for branch in proxy.as_client(port, source) if branch.uncertain or end(branch) != UNTRANSLATED)
        if branches:
            yield f"{words} > {port}", branches


def _node_ports(proxy: Proxy) -> Iterator[Case]:
    for port in proxy.ports:
        if port.node_port and not port.external_local and not proxy.facts.proxy_config.get("nodePortAddresses"):
            words = f"outside > node port {port.node_port}/{port.protocol} of {port.name}"
            yield words, _reaching(proxy.at_node_port(port), port.anywhere)


def _reaching(branches: Iterable[Branch], ends: frozenset[str]) -> tuple[Branch, ...]:
    return tuple(branch for branch in branches if branch.uncertain or end(branch) in ends)


def _by_cidr(facts: NodeFacts) -> bool:
    config = facts.proxy_config
    return bool(config.get("clusterCIDR")) and (config.get("detectLocalMode") or "") in BY_CIDR


def _masquerades_all(facts: NodeFacts) -> bool:
    return bool((facts.proxy_config.get("iptables") or {}).get("masqueradeAll"))


def _inside(facts: NodeFacts, address: str) -> bool:
    try:
        networks = [ip_network(text.strip()) for text in str(facts.proxy_config["clusterCIDR"]).split(",")]
    except ValueError as error:
        raise Inconclusive(f"clusterCIDR of kube-proxy's config.conf cannot be read: {error}") from error
    return any(IPv4Address(address) in network for network in networks if isinstance(network, IPv4Network))


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "service_marks": service_marks,
    "hairpins": hairpins,
    "off_cluster": off_cluster,
}
