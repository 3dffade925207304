"""The lines above the run: which cluster, what is demanded of it, and what the run may touch."""

from __future__ import annotations

from pytest_k8snet import __version__
from pytest_k8snet.model.inventory import Inventory

from .demand import Demand
from .state import State


def lines(state: State, dot: str) -> list[str]:
    """Two lines; one if the cluster could not be discovered."""
    settings = state.settings
    if state.demand is None:
        return [f"k8snet {__version__}{dot}{settings.context}{dot}no verdict possible, see the last line"]
    where = settings.context if settings.replay is None else f"replay of {settings.replay.name}"
    return [dot.join([f"k8snet {__version__}", where, *_cluster(state.demand.inventory)]), dot.join(_demand(state, state.demand))]


def _cluster(inventory: Inventory) -> list[str]:
    families = {"ipv4": "IPv4", "ipv6": "IPv6"}
    cni = "another CNI than flannel" if inventory.cni == "other" else inventory.cni
    network = " ".join(filter(None, (cni, inventory.backend, inventory.flannel_version and f"v{inventory.flannel_version}")))
    parts = (
        f"Kubernetes {inventory.version}" if inventory.version else "",
        f"{len(inventory.nodes)} node{'s' if len(inventory.nodes) != 1 else ''}",
        network,
        f"kube-proxy {inventory.proxy}" if inventory.proxy else "",
        "+".join(families[family] for family in inventory.families),
    )
    return [part for part in parts if part]


def _demand(state: State, demand: Demand) -> list[str]:
    profile = demand.profile
    applying = len(demand.catalogue) - len(profile.not_applicable) - len(profile.not_selected)
    detected = " (detected)" if profile.detected else ""
    parts = [f"profile {', '.join(profile.names)}{detected}", f"{applying} of {len(demand.catalogue)} requirements apply"]
    parts.append(f"run {state.settings.run_id}")
    if state.settings.replay is None:
        parts.append(f"nothing is changed outside namespaces {state.settings.prefix}-*")
    return parts
