"""The Services of a run, all in the restricted namespace."""

from __future__ import annotations

from typing import Any

from .manifests import ECHO_PORT, Owner

PORT = 80
BIG_SIZE = 40  # more addresses than a 512-byte DNS answer can hold
BIG_NETWORK = "192.0.2."  # RFC 5737, for documentation: nobody answers there
PROTOCOLS = ("TCP", "UDP")
ORDER = ("web", "self", "empty", "big", "peers", "published", "unready", "alias")
OUTSIDE_NAME = "outside.example.com"  # RFC 2606: where Service alias points to; only its CNAME is asked for
MARKER = "marker"  # created last: when it answers, the rules of the others are programmed
_UNNAMED = [{"protocol": "TCP", "port": ECHO_PORT}]
HEADLESS: dict[str, dict[str, Any]] = {
    "peers": {"selector": {"k8snet/role": "a"}, "ports": [{"name": p.lower(), "protocol": p, "port": ECHO_PORT} for p in PROTOCOLS]},
    "published": {"selector": {"k8snet/role": "custom"}, "ports": _UNNAMED, "publishNotReadyAddresses": True},
    "unready": {"selector": {"k8snet/role": "custom"}, "ports": _UNNAMED},
}


def service(owner: Owner, name: str, dual: bool) -> dict[str, Any]:
    """The Service of that name."""
    spec: dict[str, Any] = {"type": "ClusterIP", "ports": _ports(), "selector": {"k8snet/run": owner.run, "k8snet/role": "a"}}
    if dual:
        spec["ipFamilyPolicy"] = "PreferDualStack"
    if name == "web":
        spec["type"] = "NodePort"
    elif name == "self":
        spec["internalTrafficPolicy"] = "Local"  # the only backend on a node is its own pod a: a hairpin from there
    elif name == "empty":
        spec["selector"] = {"k8snet/run": owner.run, "k8snet/role": "nobody"}
    elif name == "big":
        spec = {"type": "ClusterIP", "clusterIP": "None", "ports": [{"name": "tcp", "protocol": "TCP", "port": PORT}]}
    elif name == "alias":
        spec = {"type": "ExternalName", "externalName": OUTSIDE_NAME}
    elif name in HEADLESS:
        spec |= {"clusterIP": "None", **HEADLESS[name], "selector": {"k8snet/run": owner.run, **HEADLESS[name]["selector"]}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": owner.metadata(name), "spec": spec}


def big_slice(owner: Owner) -> dict[str, Any]:
    """The hand-made endpoints of Service big, so that its DNS answer is larger than 512 bytes."""
    labels = {"kubernetes.io/service-name": "big", "endpointslice.kubernetes.io/managed-by": "pytest-k8snet"}
    endpoints = [{"addresses": [f"{BIG_NETWORK}{last}"], "conditions": {"ready": True}} for last in range(1, BIG_SIZE + 1)]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": owner.metadata("big", **labels),
        "addressType": "IPv4",
        "ports": [{"name": "tcp", "protocol": "TCP", "port": PORT}],
        "endpoints": endpoints,
    }


def event(body: dict[str, Any]) -> dict[str, Any]:
    """What of a Service the probes need, as the event that is recorded."""
    spec = body["spec"]
    return {
        "what": "service",
        "name": body["metadata"]["name"],
        "namespace": body["metadata"]["namespace"],
        "cluster_ip": spec.get("clusterIP", ""),
        "cluster_ips": spec.get("clusterIPs") or [],
        "ports": {port["protocol"].lower(): port["port"] for port in spec.get("ports") or ()},
        "node_ports": {port["protocol"].lower(): port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")},
    }


def _ports() -> list[dict[str, Any]]:
    return [{"name": p.lower(), "protocol": p, "port": PORT, "targetPort": ECHO_PORT} for p in PROTOCOLS]
