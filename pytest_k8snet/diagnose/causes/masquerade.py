"""Source addresses: masqueraded for the wrong network, not at all, or where they must be kept."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k8snet.evidence.rules_source import KEPT, TRANSLATED
from pytest_k8snet.model.cause import Cause
from pytest_k8snet.model.result import Result
from pytest_k8snet.plan import flannel

from ..casefile import CaseFile, Difference, anywhere, from_node, together

# What needs the node's address as source: other nodes, the outside, and what stands behind it (upstream DNS servers, and with them
# the names that a Service is reached by).
_LEAVING = (
    *("NET-EXTERNAL-00[45]", "NET-MTU-006", "NET-NAT-007", "NET-REACH-01[359]"),
    *("NET-SERVICE-004", "NET-SERVICE-007", "NET-SERVICE-025", "NET-PATH-003", "NET-DNS-*"),
)
SHOWN = 2  # podCIDRs that the sentence names
_RULES = ("NET-NAT-008", "NET-FLANNEL-020")


def network_mismatch(case: CaseFile) -> Iterator[Cause]:
    """net-conf.json names a network in which a node's pods do not live."""
    outside = case.in_cluster("NET-FLANNEL-002", "pod_network")
    if not outside:
        return
    config, _ = flannel.config_object(case.recording)
    network = flannel.net_conf(case.recording).network
    notes = [difference.note.removeprefix("podCIDR ") for difference in outside]
    cidrs = ", ".join(notes[:SHOWN]) + (f" and {len(notes) - SHOWN} more" if len(notes) > SHOWN else "")
    state = ("NET-FLANNEL-00[1245]", "NET-FLANNEL-021", "NET-NODE-00[47]")
    yield Cause(
        "flannel-network-mismatch",
        f"flannel's Network {network} is not where the pods live ({cidrs})",
        "set Network to the pods' network and restart flannel on every node; do not add MASQUERADE rules by hand:"
        " they hide pods' addresses from other pods too (NET-NAT-002)",
        subject=f"ConfigMap {config} net-conf.json",
        evidence=(outside[0].line, *_proof(case)),
        explains=case.about(*state, *_RULES, *_LEAVING, where=anywhere),
        shown_by=(outside[0].result,),
    )


def missing(case: CaseFile) -> Iterator[Cause]:
    """No rule, or one that never comes to it, masquerades what leaves the pod network."""
    for node in case.names:
        kept = [d for d in case.at_node("NET-NAT-008", "egress", node) if (d.expected, d.found) == (TRANSLATED, KEPT)]
        kept.sort(key=lambda difference: f" of {node} > " not in str(difference.key))  # its own pods first
        if kept:
            yield _shadowed(case, node, kept) if all("-j RETURN" in d.note for d in kept) else _gone(case, node, kept)


def catches_pods(case: CaseFile) -> Iterator[Cause]:
    """A rule masquerades traffic between pods."""
    for node in case.names:
        caught = [d for d in case.at_node("NET-NAT-009", "between_pods", node) if d.found == TRANSLATED]
        if caught:
            hidden = ("NET-NAT-00[12689]", "NET-FLANNEL-020", "NET-PROXY-011", "NET-SERVICE-005", "NET-SERVICE-006")
            yield Cause(
                "masquerade-catches-pods",
                "a rule masquerades traffic between pods: they see a node's address instead of the sender's",
                "delete this rule; flannel masquerades what leaves the pod network by itself, and nothing else must be",
                node,
                subject=caught[0].note,
                evidence=tuple(d.line for d in caught[:2]),
                explains=case.about(*hidden, where=from_node(node)),
                shown_by=(caught[0].result,),
            )


def _gone(case: CaseFile, node: str, kept: list[Difference]) -> Cause:
    return Cause(
        "masquerade-missing",
        "nothing masquerades pods' packets that leave the pod network: nobody outside can answer them",
        "bring flannel back on this node: it restores its rules within seconds (or start it with --ip-masq)",
        node,
        subject="nat POSTROUTING",
        evidence=tuple(d.line for d in kept[:2]),
        explains=_unmasqueraded(case, node),
        shown_by=(kept[0].result,),
    )


def _shadowed(case: CaseFile, node: str, kept: list[Difference]) -> Cause:
    return Cause(
        "masquerade-shadowed",
        "a RETURN rule stands before the rule that masquerades pods' packets, and takes them first",
        "remove or reorder the RETURN rule; where flannel wrote it, its rules for this mode are wrong: use another mode or version",
        node,
        subject=kept[0].note.removeprefix("last matching nat rule: "),
        evidence=tuple(d.line for d in kept[:2]),
        explains=_unmasqueraded(case, node),
        shown_by=(kept[0].result,),
    )


def _unmasqueraded(case: CaseFile, node: str) -> tuple[Result, ...]:
    mine = case.about(*_RULES, *_LEAVING, where=from_node(node))
    others = case.about("NET-DNS-*") if node in case.dns_nodes else ()  # a replica without its upstream fails for every node
    return together(mine, others)


def _proof(case: CaseFile) -> Iterator[str]:
    for node in case.names:
        kept = case.at_node("NET-NAT-008", "egress", node)
        if kept:
            yield f"{node}: {kept[0].line}"
            return
