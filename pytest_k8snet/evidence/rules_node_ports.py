"""Node ports come last among the Service rules, and at the addresses that kube-proxy is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.netfilter.branch import Branch, Step
from pytest_k8snet.netfilter.hooks import output, prerouting
from pytest_k8snet.netfilter.packet import Packet
from pytest_k8snet.parse.ruleset import Rule

from .comparison import Comparison
from .node_facts import NodeFacts
from .node_proxy import localhost_node_ports, serves_node_ports
from .rules import CLIENT_PORT, OUTSIDE
from .rules_proxy import UNTRANSLATED, Proxy, end, require_ports, translated
from .rules_services import ServicePort
from .rules_verdicts import Doubts

LAST = "by the last rule of its chain"
REACHED, NOT_REACHED = "translated", "not translated"


def node_port_catch(facts: NodeFacts) -> Comparison:
    """The rule that catches packets to node ports, found by where they part from packets to the ClusterIP; and the addresses it is for."""
    proxy, doubts = require_ports(facts), Doubts(facts.node)
    ports = [port for port in proxy.ports if port.node_port and not port.external_local]
    if not ports:
        raise Inconclusive(f"{facts.node}: no Service has a node port: there is nothing to judge the rules by")
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    for port in ports:
        words = f"node port {port.node_port}/{port.protocol} of {port.name}"
        branches = _at_an_address(proxy, port)
        if doubt := next((branch for branch in branches if branch.uncertain), None):
            doubts.add(f"{words}: {doubt.by or doubt.trace}")
            continue
        found[words], notes[words] = _place(proxy, port, branches)
    expected = dict.fromkeys(found, LAST)
    for words, reached, wanted, why in _addresses(proxy, ports[0], doubts):
        found[words], expected[words], notes[words] = reached, wanted, why
    return doubts.settle(Comparison("where nat catches packets to node ports", found, expected, notes))


def _at_an_address(proxy: Proxy, port: ServicePort) -> tuple[Branch, ...]:
    """Packets to the first address that serves node ports to others at all, the node's own before those of bridge and tunnel."""
    own = [*sorted(proxy.rules.local & set(proxy.rules.node_ips.values())), *sorted(proxy.rules.local)]
    served = [address for address in own if ":" not in address and not address.startswith("127.") and _served(proxy, address)]
    return _to(proxy, port, served[0]) if served else ()


def _to(proxy: Proxy, port: ServicePort, address: str) -> tuple[Branch, ...]:
    rules = proxy.rules
    if address.startswith("127."):
        packet = Packet(address, address, port.protocol, CLIENT_PORT, port.node_port, out_iface="lo", local=rules.local)
        return translated(output, rules.worlds, packet)
    return translated(prerouting, rules.worlds, rules.arriving(OUTSIDE, address, port.protocol, port.node_port))


def _served(proxy: Proxy, address: str) -> bool:
    config = proxy.facts.proxy_config
    if address.startswith("127."):
        return localhost_node_ports(config)
    return serves_node_ports(config, address, frozenset({proxy.rules.node_ips.get(proxy.rules.node, "")}))


def _place(proxy: Proxy, port: ServicePort, branches: tuple[Branch, ...]) -> tuple[str, str]:
    steps = next((branch.steps for branch in branches if end(branch) != UNTRANSLATED), ())
    catch = _parting(steps, _to_cluster_ip(proxy))
    if catch is None or not isinstance(catch.rule, Rule):
        return "by no rule of the chain that has the ClusterIP", "; ".join(map(str, steps)) or "no rule matches"
    rules = [
        rule
        for _, world in proxy.rules.worlds.xtables()
        for rule in world.rules(catch.table, catch.chain)
        if catch.rule in world.rules(catch.table, catch.chain)
    ]
    later = [rule for rule in rules if rule.number > catch.number and rule.target != catch.rule.target]
    return (f"before {len(later)} other rules" if later else LAST), f"{catch}" + (
        f"; then rule {later[0].number}: {later[0].raw}" if later else ""
    )


def _to_cluster_ip(proxy: Proxy) -> tuple[Step, ...]:
    """The way of a packet to a ClusterIP port that is translated. Raises Inconclusive where none is."""
    for port in (port for port in proxy.ports if proxy.from_pods[port].translated and not proxy.from_pods[port].doubt):
        packet = proxy.rules.arriving(OUTSIDE, port.address, port.protocol, port.port)
        return translated(prerouting, proxy.rules.worlds, packet)[0].steps
    raise Inconclusive(f"{proxy.rules.node}: no ClusterIP port is translated, so the place of node ports is unknown")


def _parting(one: tuple[Step, ...], other: tuple[Step, ...]) -> Step | None:
    """The first step at which two walks choose different rules of the same chain."""
    for left, right in zip(one, other, strict=False):
        if left != right:
            return left if (left.table, left.chain) == (right.table, right.chain) else None
    return None


def _addresses(proxy: Proxy, port: ServicePort, doubts: Doubts) -> Iterator[tuple[str, str, str, str]]:
    """Every address of the node, one node port; by hooks that translate Service packets at all."""
    for address in sorted(address for address in proxy.rules.local if ":" not in address):
        ways = proxy.from_node if address.startswith("127.") else proxy.from_pods
        if not any(way.translated or way.doubt for way in ways.values()):
            continue
        words = f"{address}:{port.node_port}/{port.protocol}"
        branches = _to(proxy, port, address)
        if doubt := next((branch for branch in branches if branch.uncertain), None):
            doubts.add(f"{words}: {doubt.by or doubt.trace}")
            continue
        reached = any(end(branch) != UNTRANSLATED for branch in branches)
        why = next((str(branch.steps[-1]) for branch in branches if branch.steps), "no rule matches")
        yield words, REACHED if reached else NOT_REACHED, REACHED if _served(proxy, address) else NOT_REACHED, why


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"node_port_catch": node_port_catch}
