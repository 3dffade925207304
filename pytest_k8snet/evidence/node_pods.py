"""Pods of a run on one node: the addresses that the API tells against those of the pod's own interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import ip
from pytest_k8snet.plan.readers import pod_addresses_name
from pytest_k8snet.plan.resolver import role

from .cluster_addresses import pod_ips
from .comparison import Comparison
from .networks import plain
from .node_facts import NodeFacts

Body = Mapping[str, Any]


def pod_status(node: NodeFacts) -> Comparison:
    """podIPs of each probe pod against its interface, or against the node's addresses for a pod on the host network."""
    found: dict[str, frozenset[str]] = {}
    expected: dict[str, frozenset[str]] = {}
    notes: dict[str, str] = {}
    for endpoint, entry in placed(node).items():
        pod = _api_pod(node, entry)
        key = f"{endpoint} podIPs"
        found[key] = _addresses(pod_ips(pod))
        expected[key], notes[key] = _host(pod) if (pod.get("spec") or {}).get("hostNetwork") else _interface(node, endpoint, found[key])
        status = {name: (pod.get("status") or {}).get(name) for name in ("podIP", "podIPs", "hostIP", "hostIPs")}
        node.used.append({"object": "pods", "pod": pod["metadata"]["name"], "status": status})
        if plain(str(status["podIP"] or "")) not in found[key]:
            found[f"{endpoint} podIP"], expected[f"{endpoint} podIP"] = _addresses([str(status["podIP"] or "")]), found[key]
    return Comparison(
        "addresses of the probe pods in their status (API object) and on their interface (ip -j addr show)", found, expected, notes
    )


def placed(node: NodeFacts) -> dict[Endpoint, Body]:
    """The probe pods of this node. Raises Inconclusive for one that did not become ready: its addresses are not to be had."""
    entries = {Endpoint.parse(entry["endpoint"]): entry for entry in node.recording.entries("fleet") if "scenario" not in entry}
    here = {endpoint: entry for endpoint, entry in entries.items() if endpoint.node == node.node}
    sick = [f"{endpoint}: {entry['problem']}" for endpoint, entry in here.items() if entry["problem"]]
    if sick or not here:
        raise Inconclusive(f"{node.node}: {sick[0] if sick else 'no probe pod was placed there'}")
    return here


def _api_pod(node: NodeFacts, entry: Body) -> Body:
    listed = node.recording.object("pods")
    if listed is None:
        raise Inconclusive(f"{node.node}: the pods of all namespaces were not read")
    wanted = (entry["namespace"], entry["pod"])
    for pod in listed.get("items") or ():
        if (pod["metadata"].get("namespace"), pod["metadata"]["name"]) == wanted:
            return dict(pod)
    raise Inconclusive(f"{node.node}: the API's list of pods does not hold {'/'.join(wanted)}")


def _host(pod: Body) -> tuple[frozenset[str], str]:
    status = pod.get("status") or {}
    several = [str(entry["ip"]) for entry in status.get("hostIPs") or () if entry.get("ip")]
    if not status.get("hostIP"):
        raise Inconclusive(f"pod {pod['metadata']['name']}: its status tells no hostIP")
    return _addresses(several or [str(status["hostIP"])]), "hostIPs: the pod is on the host network"


def _interface(node: NodeFacts, endpoint: Endpoint, told: frozenset[str]) -> tuple[frozenset[str], str]:
    """Global addresses, of the families that the status tells, on the interface that holds one of these; on all if none does."""
    name = pod_addresses_name(role(endpoint))
    usable = [a for a in node.parsed(name, ip.addresses) if a.scope == "global" and any((":" in a.address) is (":" in ip) for ip in told)]
    devices = {a.dev for a in usable if plain(a.address) in told} or {a.dev for a in usable}
    own = _addresses(a.address for a in usable if a.dev in devices)
    return own, f"global addresses of {', '.join(sorted(devices)) or 'no interface'} in the pod"


def _addresses(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(plain(text) for text in texts if text)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"pod_status": pod_status}
