"""One node: what it is, and what its API objects say it should be."""

from __future__ import annotations

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording

from . import (
    flannel_nft,
    ipvs,
    node_cni,
    node_docker,
    node_flannel,
    node_flannel_ipv6,
    node_ipv6,
    node_kernel,
    node_links,
    node_mtu,
    node_objects,
    node_pods,
    node_proxy,
    node_ranges,
    node_system,
    node_tunnels,
    proxy_ipv6,
    rules_endpoints,
    rules_filter,
    rules_firewall,
    rules_forward,
    rules_marking,
    rules_masquerade,
    rules_mode,
    rules_names,
    rules_nft,
    rules_node_ports,
    rules_proxy,
    rules_source,
    rules_variants,
)
from .comparison import Compared
from .node_facts import NodeFacts


class NodeEvidence(Compared):
    """Facts of one node: `node.fdb`, `node.expected_fdb`, `node.explain("fdb")`, and so on for every comparison."""

    comparisons = {  # noqa: RUF012
        **flannel_nft.COMPARISONS,
        **ipvs.COMPARISONS,
        **node_cni.COMPARISONS,
        **node_docker.COMPARISONS,
        **node_flannel.COMPARISONS,
        **node_ipv6.COMPARISONS,
        **node_kernel.COMPARISONS,
        **node_links.COMPARISONS,
        **node_mtu.COMPARISONS,
        **node_objects.COMPARISONS,
        **node_pods.COMPARISONS,
        **node_proxy.COMPARISONS,
        **node_ranges.COMPARISONS,
        **node_flannel_ipv6.COMPARISONS,
        **node_system.COMPARISONS,
        **rules_endpoints.COMPARISONS,
        **rules_filter.COMPARISONS,
        **node_tunnels.COMPARISONS,
        **proxy_ipv6.COMPARISONS,
        **rules_firewall.COMPARISONS,
        **rules_forward.COMPARISONS,
        **rules_marking.COMPARISONS,
        **rules_masquerade.COMPARISONS,
        **rules_mode.COMPARISONS,
        **rules_names.COMPARISONS,
        **rules_nft.COMPARISONS,
        **rules_node_ports.COMPARISONS,
        **rules_proxy.COMPARISONS,
        **rules_source.COMPARISONS,
        **rules_variants.COMPARISONS,
    }

    def __init__(self, recording: Recording, inventory: Inventory, node: str) -> None:
        super().__init__(NodeFacts(recording, inventory, node), node)
