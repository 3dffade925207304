"""The script of every scenario by its name."""

from __future__ import annotations

from collections.abc import Callable

from . import (
    affinity,
    affinity_timeout,
    enforcement,
    external_policy,
    fresh_pod,
    host_port,
    internal_policy,
    ports,
    readiness,
    retype,
    selectorless,
    service_families,
    terminating,
    udp_flow,
)
from .stage import Stage

SCRIPTS: dict[str, Callable[[Stage], None]] = {
    "affinity": affinity.play,
    "affinity-timeout": affinity_timeout.play,
    "enforcement": enforcement.play,
    "external-policy": external_policy.play,
    "fresh-pod": fresh_pod.play,
    "host-port": host_port.play,
    "internal-policy": internal_policy.play,
    "ports": ports.play,
    "readiness": readiness.play,
    "retype": retype.play,
    "selectorless": selectorless.play,
    "service-families": service_families.play,
    "terminating": terminating.play,
    "udp-flow": udp_flow.play,
}
