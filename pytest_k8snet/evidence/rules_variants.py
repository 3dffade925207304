"""Which of the two iptables variants holds a node's rules."""

from __future__ import annotations

from collections.abc import Callable

from pytest_k8snet.parse.ruleset import Ruleset

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules import NodeRules

KUBELETS = ("KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY")  # tell by their place which variant kubelet uses


def one_variant(facts: NodeFacts) -> Comparison:
    """The variants that hold rules, and those that hold kubelet's chains: always one and the same."""
    worlds = dict(NodeRules(facts).worlds.xtables())
    counts = {name: sum(1 for _ in rules.walk_rules()) for name, rules in worlds.items()}
    found = {"rules": tuple(name for name, rules in worlds.items() if not rules.empty)}
    if hinted := tuple(name for name, rules in worlds.items() if _hinted(rules)):
        found[f"kubelet's chains ({', '.join(KUBELETS)})"] = hinted
    home = max(counts, key=lambda name: counts[name], default="")
    note = ", ".join(f"{name}: {count} rules" for name, count in counts.items())
    return Comparison("variants of iptables that hold rules", found, dict.fromkeys(found, (home,)), dict.fromkeys(found, note))


def _hinted(rules: Ruleset) -> bool:
    return any(name in table.chains for table in rules.tables.values() for name in KUBELETS)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"one_variant": one_variant}
