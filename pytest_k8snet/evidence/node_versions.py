"""Which minor of Kubernetes 1 wrote a node's rules: kube-proxy's, and kubelet's with what it was told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable

from .node_facts import NodeFacts

LABEL = ("k8s-app", "kube-proxy")


def proxy_minor(facts: NodeFacts) -> int:
    """By the image of the node's kube-proxy pod; kubelet's where no such pod exists (kube-proxy is built in). Raises Inconclusive."""
    body = facts.recording.object("pods/kube-system")
    if body is None:
        raise Inconclusive(f"{facts.node}: the pods of kube-system were not read: the version of kube-proxy is unknown")
    images = [image for pod in body.get("items") or () if _proxies(pod, facts.node) for image in _images(pod)]
    if not images:
        return kubelet_minor(facts)
    return _minor(facts, "kube-proxy's image", images[0].partition("@")[0].rpartition(":")[2])


def kubelet_minor(facts: NodeFacts) -> int:
    """By the Node object. Raises Inconclusive."""
    info = (facts.api.get("status") or {}).get("nodeInfo") or {}
    return _minor(facts, "kubelet's version", str(info.get("kubeletVersion", "")))


def kubelet_config(facts: NodeFacts) -> Mapping[str, Any]:
    """kubelet's configuration (configz). Raises Inconclusive."""
    body = facts.recording.object(f"configz/{facts.node}")
    if not isinstance(body, Mapping) or not isinstance(body.get("kubeletconfig"), Mapping):
        raise Inconclusive(f"{facts.node}: kubelet's configuration (configz) was not read")
    return dict(body["kubeletconfig"])


def require_kubelet_chains(facts: NodeFacts) -> Mapping[str, Any]:
    """kubelet's configuration. Raises NotApplicable where kubelet is told to make no chains."""
    config = kubelet_config(facts)
    if config.get("makeIPTablesUtilChains") is False:
        raise NotApplicable(f"kubelet of {facts.node} is told to make no chains of iptables (makeIPTablesUtilChains: false)")
    return config


def _proxies(pod: Mapping[str, Any], node: str) -> bool:
    return (pod["metadata"].get("labels") or {}).get(LABEL[0]) == LABEL[1] and pod["spec"].get("nodeName") == node


def _images(pod: Mapping[str, Any]) -> list[str]:
    return [str(container.get("image", "")) for container in pod["spec"].get("containers") or ()]


def _minor(facts: NodeFacts, what: str, text: str) -> int:
    found = re.match(r"v?1\.(\d+)", text)
    if found is None:
        raise Inconclusive(f"{facts.node}: {what} {text!r} names no minor version of Kubernetes 1")
    return int(found[1])
