"""kube-proxy's and flannel's health endpoints as a node answers them, and what kube-proxy's configuration says about addresses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.plan.health import FLANNEL_PATHS, flannel_health

from .comparison import Comparison
from .node_facts import NodeFacts

GOOD, LEAVING = "200", "503"
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
SOMEBODY_ELSE = "200, but not by kube-proxy: its answer tells no lastUpdated"
FLANNEL = "flanneld"  # begins flannel's own answers
REFUSED = "connection refused"


def proxy_health(facts: NodeFacts) -> Comparison:
    """Status of kube-proxy's healthz; a node that is being deleted may turn load balancers away (KEP-3836)."""
    found = _answer(facts, "proxy-healthz")
    if found == GOOD and not _by_proxy(facts.text("proxy-healthz")):
        found = SOMEBODY_ELSE
    url = facts.source("proxy-healthz")
    wanted = LEAVING if found == LEAVING and _leaving(facts.api) else GOOD
    return Comparison("kube-proxy's health endpoint", {url: found}, {url: wanted}, {url: _said(facts, "proxy-healthz")})


def flannel_answers(facts: NodeFacts) -> Comparison:
    """Status of flannel's health endpoints, where flannel is told to have any."""
    if flannel_health(facts.recording) is None:
        raise NotApplicable("flannel is not told to serve a health endpoint (--healthz-port)")
    found: dict[str, str] = {}
    notes: dict[str, str] = {}
    for name in FLANNEL_PATHS:
        url = facts.source(name)
        found[url], notes[url] = _answer(facts, name), _said(facts, name)
        if found[url] == GOOD and FLANNEL not in notes[url]:
            found[url] = f"200, but not by {FLANNEL}"
    return Comparison("flannel's health endpoints", found, dict.fromkeys(found, GOOD), notes)


def localhost_node_ports(config: Mapping[str, Any]) -> bool:
    """Whether kube-proxy serves node ports on 127.0.0.1 (localhostNodePorts, nodePortAddresses)."""
    wanted = (config.get("iptables") or {}).get("localhostNodePorts")
    return wanted is not False and serves_node_ports(config, "127.0.0.1", frozenset())


def serves_node_ports(config: Mapping[str, Any], address: str, primary: frozenset[str]) -> bool:
    """Whether `nodePortAddresses` cover an address of the node; `primary` are those of the Node object."""
    ranges = [str(text) for text in config.get("nodePortAddresses") or ()]
    if not ranges:
        return True
    try:
        networks = [ip_network(text, strict=False) for text in ranges if text != "primary"]
    except ValueError as error:
        raise Inconclusive(f"nodePortAddresses of kube-proxy's config.conf cannot be read: {error}") from error
    return any(ip_address(address) in network for network in networks) or ("primary" in ranges and address in primary)


def _answer(facts: NodeFacts, name: str) -> str:
    """The HTTP status, or that nobody listens. Raises Inconclusive for everything else."""
    fact = facts.reading(name)
    if fact["ok"] or str(fact["error"]).startswith("HTTP "):
        return str(fact["code"])
    if "refused" in str(fact["error"]).lower():
        return REFUSED
    raise Inconclusive(f"{facts.node}: {name} ({fact['source']}) was not read: {fact['error'] or 'no reason given'}")


def _said(facts: NodeFacts, name: str) -> str:
    fact = facts.reading(name)
    return " ".join(str(fact["text"] or fact["error"]).split())[:200]


def _by_proxy(text: str) -> bool:
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return isinstance(body, dict) and "lastUpdated" in body


def _leaving(node: Mapping[str, Any]) -> bool:
    taints = (node.get("spec") or {}).get("taints") or ()
    return bool(node["metadata"].get("deletionTimestamp")) or any(taint.get("key") == TO_BE_DELETED for taint in taints)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "proxy_health": proxy_health,
    "flannel_answers": flannel_answers,
}
