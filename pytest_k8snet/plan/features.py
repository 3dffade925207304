"""What is known about this cluster and run, as values for the conditions of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.settings import Settings

from .applies import Value

FEATURES = ("egress", "egress-echo", "egress-dns", "external-client", "netpol", "conntrack-tool")


def values(inventory: Inventory, settings: Settings) -> Mapping[str, Value]:
    """Key -> value; None where the API objects do not tell."""
    return {
        "cni": inventory.cni or None,
        "backend": inventory.backend or None,
        "flannel": inventory.flannel_version or None,
        "flannel.ipmasq": inventory.flannel_ipmasq,
        "flannel.nftables": inventory.flannel_nftables,
        "proxy": inventory.proxy or None,
        "k8s": _oldest_kubelet(inventory),
        "family": _families(inventory),
        "nodes": float(len(inventory.nodes)),  # cordoned ones too: probe pods are pinned and DaemonSets run there
        "installer": inventory.installer or None,
        "runtime": _runtime(inventory),
        "dns": inventory.dns or None,
        "os": "linux" if inventory.nodes else None,
        **{f"feature.{name}": on for name, on in features(settings).items()},
    }


def features(settings: Settings) -> Mapping[str, bool]:
    """What the operator declared, or what the options imply: an egress target, an outside echo, an outside client."""
    echo = settings.external_address != "off"
    implied = {
        "egress": echo or any(target.startswith("tcp://") for target in settings.external),
        "egress-echo": echo,
        "egress-dns": any(target.startswith("dns://") for target in settings.external),
        "external-client": True,
        "netpol": False,
        "conntrack-tool": False,
    }
    return implied | dict(settings.features)


def _oldest_kubelet(inventory: Inventory) -> Value:
    versions = [node.kubelet_version for node in inventory.nodes]
    numbered = [(tuple(int(part) for part in re.findall(r"\d+", version)[:2]), version) for version in versions]
    return min(numbered)[1] if versions and all(numbers for numbers, _ in numbered) else None


def _families(inventory: Inventory) -> Value:
    found = frozenset(str(family) for family in inventory.families)
    if not found:
        return None
    return found | {"dual"} if len(found) == 2 else found


def _runtime(inventory: Inventory) -> Value:
    return frozenset(node.runtime.partition("://")[0] for node in inventory.nodes if node.runtime) or None
