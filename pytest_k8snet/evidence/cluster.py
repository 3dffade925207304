"""The cluster as its API objects and the logs of its DNS show it."""

from __future__ import annotations

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording

from . import (
    cluster_addresses,
    cluster_annotations,
    cluster_corefile,
    cluster_dns,
    cluster_flannel,
    cluster_networks,
    cluster_nodes,
    cluster_proxy,
)
from .cluster_objects import ClusterObjects
from .comparison import Compared


class ClusterEvidence(Compared):
    """What the API tells about the whole cluster."""

    comparisons = {  # noqa: RUF012
        **cluster_addresses.COMPARISONS,
        **cluster_annotations.COMPARISONS,
        **cluster_corefile.COMPARISONS,
        **cluster_dns.COMPARISONS,
        **cluster_flannel.COMPARISONS,
        **cluster_networks.COMPARISONS,
        **cluster_nodes.COMPARISONS,
        **cluster_proxy.COMPARISONS,
    }

    def __init__(self, recording: Recording, inventory: Inventory) -> None:
        super().__init__(ClusterObjects(recording, inventory), "cluster")
