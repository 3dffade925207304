"""The process that runs pytest as an endpoint outside the cluster: its address, and the agent that runs in it."""

from __future__ import annotations

import socket

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.settings import Settings

RUNNER = Endpoint(EndpointKind.OUTSIDE, "runner")


def own_address(settings: Settings, inventory: Inventory) -> str:
    """The declared address, or the one from which the kernel would talk to the first node; "" if off or not routable.

    Connecting a UDP socket sends nothing: it only asks the routing table.
    """
    if settings.external_address:
        return "" if settings.external_address == "off" else settings.external_address
    targets = [node.ip for node in inventory.nodes if node.ip]
    return _routed_from(targets[0]) if targets else ""


def _routed_from(target: str) -> str:
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            address = str(probe.getsockname()[0])
    except OSError:
        return ""
    return "" if address.startswith("127.") or address == "::1" else address
