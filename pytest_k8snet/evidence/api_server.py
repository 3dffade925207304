"""What tells the API server from any other server that speaks TLS: the certificate it shows.

Clients in pods go by the name kubernetes.default.svc or by an address, so every API server's certificate names them
(kubeadm and all who follow it: kubernetes, kubernetes.default, kubernetes.default.svc, ...).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint

NAMES = frozenset({"kubernetes", "kubernetes.default", "kubernetes.default.svc"})


def shown_by_api_server(reply: Mapping[str, Any], target: Endpoint) -> bool:
    """Whether the certificate is for the Service or, where an endpoint was asked, for its address.

    Raises ValueError where the agent could not read the certificate.
    """
    names = reply.get("sans")
    if not isinstance(names, list) or not (names or reply.get("issuer")):
        raise ValueError("the certificate was not read")
    host = target.name.rpartition(":")[0].strip("[]")
    return any(str(name).lower() in NAMES or (host and _same(str(name), host)) for name in names)


def _same(name: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(address)
    except ValueError:
        return False
