"""Which rule stops a packet on its way through a node."""

from __future__ import annotations

from pytest_k8snet.evidence.node_facts import NodeFacts
from pytest_k8snet.evidence.rules import NodeRules
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.netfilter.journey import journey

from .casefile import CaseFile


def stopped(case: CaseFile, node: str, target: str, protocol: str, port: int) -> str:
    """The rule or policy that drops a packet of a pod of this node to a target; "" if it passes, or if the rules do not tell."""
    try:
        rules = NodeRules(NodeFacts(case.recording, case.inventory, node))
        branches = journey(rules.worlds, rules.arriving(rules.pod, target, protocol, port), route=rules.device)
    except Inconclusive:
        return ""
    if any(branch.verdict.passes or branch.uncertain or branch.by is None for branch in branches):
        return ""
    return str(branches[0].by)
