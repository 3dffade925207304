"""Which ends of a probe this run may use: the roles its tier allows, and the targets outside the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.settings import Settings, Tier

from .applies import Value
from .features import values

RUNNER = Endpoint(EndpointKind.OUTSIDE, "runner")
POD_ROLES = frozenset({"a", "b", "default", "none", "custom"})
HOST_ROLES = frozenset({"host", "hostdns"})  # host network: only the privileged tier admits them
SOLE_ROLES = frozenset({"custom"})
EVERY_ROLE = POD_ROLES | HOST_ROLES | {"runner"}


@dataclass(frozen=True, slots=True)
class Available:
    """`roles` of probe pods ("runner" = this process), `targets` for egress in the order of preference, `values` for conditions."""

    roles: frozenset[str]
    targets: tuple[Endpoint, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)


def available(inventory: Inventory, settings: Settings) -> Available:
    """From the options. Raises UsageProblem for a target that could not be tried.

    Egress goes to the declared `tcp://` targets, else to the echo server of this process.
    """
    privileged = settings.tier is Tier.PRIVILEGED
    declared = tuple(Endpoint(EndpointKind.OUTSIDE, target) for target in settings.external if target.startswith("tcp://"))
    _check_family(declared, inventory)
    runner = () if settings.external_address == "off" else (RUNNER,)
    return Available(EVERY_ROLE if privileged else EVERY_ROLE - HOST_ROLES, declared or runner, values(inventory, settings))


def nodes_of(role: str, inventory: Inventory) -> tuple[str, ...]:
    """Nodes on which a role has its pod: all, or where one is enough the first that is ready, else the first."""
    by_readiness = sorted(inventory.names, key=lambda name: not inventory.node(name).ready)
    return tuple(by_readiness[:1]) if role in SOLE_ROLES else inventory.names


def _check_family(declared: Iterable[Endpoint], inventory: Inventory) -> None:
    """Probes go out in the cluster's families: an address of another one could never be tried. Raises UsageProblem."""
    families = inventory.families or (Family.IPV4,)
    for target in declared:
        found = Family.IPV6 if "[" in target.name else Family.IPV4
        if found not in families:
            raise UsageProblem(
                f"--k8snet-external {target.name}: not an address of {families[0]}, the family in which this cluster is probed"
            )


def role(endpoint: Endpoint) -> str:
    """The role of the probe pod behind an endpoint, "runner" for this process, "" for what is not ours."""
    if endpoint.kind is EndpointKind.POD:
        return endpoint.name
    if endpoint.kind is EndpointKind.HOST:
        return "host"
    if endpoint.kind is EndpointKind.LOOPBACK and not endpoint.name:
        return "a"
    return "runner" if endpoint == RUNNER else ""
