"""The rules that a Service packet meets on its way through a node, as the walker tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from spoiling import short_names

from pytest_k8snet.evidence.node_facts import NodeFacts
from pytest_k8snet.evidence.rules_proxy import Proxy
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.netfilter.branch import Branch, Step
from pytest_k8snet.netfilter.hooks import forward, postrouting, prerouting
from pytest_k8snet.parse.objects import inventory
from pytest_k8snet.parse.ruleset import Rule

RECORDING = Recording.read(Path(__file__).parents[1] / "fixtures" / "recordings" / "healthy-vxlan-iptables.zip")


def on_the_way(node: str) -> list[Rule]:
    """Rules on the way of a TCP packet from a pod to the ClusterIP of `web`, whichever endpoint is chosen."""
    cluster = inventory(RECORDING)
    (name,) = [name for name, short in short_names(cluster).items() if short == node]
    proxy = Proxy(NodeFacts(RECORDING, cluster, name))
    (port,) = [port for port in proxy.ports if port.name.endswith("/web") and port.protocol == "tcp"]
    rules, worlds = proxy.rules, proxy.rules.worlds
    found: dict[str, Rule] = {}
    for branch in prerouting(worlds, rules.arriving(rules.pod, port.address, "tcp", port.port)):
        packet = rules.forwarded(rules.pod, branch.packet.dst, "tcp", branch.packet.dport)
        ways: list[Branch] = [branch, *forward(worlds, packet), *postrouting(worlds, packet)]
        found |= {rule.raw: rule for way in ways for rule in _deciding(way.steps)}
    return list(found.values())


def _deciding(steps: Iterable[Step]) -> Iterator[Rule]:
    """Without jumps into chains in which nothing matches."""
    steps = [step for step in steps if step.rule is not None]
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        assert step.rule is not None
        if not _jumps(step.rule) or (after is not None and after.chain == step.rule.target):
            yield step.rule


def _jumps(rule: Rule) -> bool:
    return rule.target not in ("ACCEPT", "DROP", "RETURN", "REJECT", "DNAT", "SNAT", "MASQUERADE", "MARK")
