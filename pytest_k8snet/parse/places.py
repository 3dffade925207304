"""Where the endpoints of a run are, family by family, in the words of its recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_k8snet.model.probe import Family


def pod_address(entry: Mapping[str, Any], family: Family) -> str:
    """Address of a probe pod by its entry of the fleet, "" if it has none of that family."""
    return family.first(entry.get("ips") or [str(entry.get("ip") or "")])


def service_address(event: Mapping[str, Any], family: Family) -> str:
    """ClusterIP of a Service by the event of its creation, "" if it has none of that family."""
    return family.first(event.get("cluster_ips") or [str(event.get("cluster_ip") or "")])
