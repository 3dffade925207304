"""Nodes that run docker: its chains leave pod traffic alone, and no pod hangs on its own bridge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_interface

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.netfilter.branch import Verdict
from pytest_k8snet.netfilter.walk import walk
from pytest_k8snet.parse.ruleset import Ruleset

from .cluster_addresses import pod_ips
from .comparison import Comparison
from .networks import Network, address_of
from .node_facts import NodeFacts
from .rules import NodeRules
from .rules_forward import pod_packets
from .rules_verdicts import Doubts

BRIDGE, PREFIX, USERS = "docker0", "DOCKER", "DOCKER-USER"
ALONE, RETURNS = "leaves pod traffic alone", "only RETURN"


def docker_chains(facts: NodeFacts) -> Comparison:
    """Every filter chain of docker asked about pod traffic, and what DOCKER-USER holds besides RETURN."""
    _require_docker(facts)
    rules = NodeRules(facts)
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    doubts = Doubts(rules.node)
    for world, ruleset, chain in _chains(rules):
        key = f"{world} filter {chain}"
        found[key], expected[key] = _fate(rules, world, ruleset, chain, doubts), ALONE
        if chain == USERS:
            foreign = [rule.raw for rule in ruleset.rules("filter", chain) if rule.target != "RETURN"]
            found[f"{key} holds"], expected[f"{key} holds"] = "; ".join(foreign) or RETURNS, RETURNS
    if not found:
        raise NotApplicable(f"{facts.node}: docker has no filter chain")
    return doubts.settle(Comparison("docker's chains", found, expected))


def docker_bridge(facts: NodeFacts) -> Comparison:
    """Pods of the pod network on this node: none has an address of docker0."""
    _require_docker(facts)
    networks = [ip_interface(f"{a.address}/{a.prefix}").network for a in facts.addresses if a.dev == BRIDGE and a.scope != "link"]
    body = facts.recording.object("pods")
    if body is None:
        raise Inconclusive("the pods of all namespaces were not read")
    here = [pod for pod in body.get("items") or () if (pod.get("spec") or {}).get("nodeName") == facts.node]
    pods = {pod["metadata"]["name"]: pod_ips(pod) for pod in here if not pod["spec"].get("hostNetwork")}
    found = {name: _on(networks, ips) for name, ips in pods.items() if ips}
    notes = {name: " ".join(ips) for name, ips in pods.items()}
    caption = f"pods and the network of {BRIDGE}: {', '.join(map(str, networks)) or 'it has no address'} ({facts.source('addresses')})"
    return Comparison(caption, found, dict.fromkeys(found, f"not on {BRIDGE}"), notes)


def _require_docker(facts: NodeFacts) -> None:
    runtime = facts.inventory.node(facts.node).runtime
    if not runtime.startswith("docker://"):
        raise NotApplicable(f"{facts.node} runs {runtime or 'an unknown runtime'}, not docker")


def _on(networks: list[Network], ips: tuple[str, ...]) -> str:
    inside = any(address_of(ip) in network for ip in ips for network in networks)
    return f"on {BRIDGE}" if inside else f"not on {BRIDGE}"


def _chains(rules: NodeRules) -> Iterator[tuple[str, Ruleset, str]]:
    for world, ruleset in rules.worlds.xtables():
        table = ruleset.tables.get("filter")
        yield from ((world, ruleset, name) for name in (table.chains if table else ()) if name.startswith(PREFIX))


def _fate(rules: NodeRules, world: str, ruleset: Ruleset, chain: str, doubts: Doubts) -> str:
    for words, packet in pod_packets(rules):
        for branch in walk(ruleset, "filter", chain, packet, rules.worlds.sets, world):
            if branch.uncertain:
                doubts.add(f"{words}: {branch.by or branch.trace}")
            elif branch.verdict is not Verdict.RETURN:
                return f"{branch.verdict} {words} ({branch.by})"
    return ALONE


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"docker_chains": docker_chains, "docker_bridge": docker_bridge}
