"""Flavours: what differs between two labs, chosen by options of `up`."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lab import addresses
from lab.errors import UsageError

FLANNEL_BACKENDS = ("vxlan", "vxlan-direct", "host-gw", "udp")
PROXY_MODES = ("iptables", "nftables")
CNIS = ("flannel", "bridge", "ptp")
KUBERNETES = {"1.36": "kubernetes", "1.35": "kubernetes-1.35"}  # line -> folder below lab/tools that pins it
OF_FLANNEL = ("flannel_backend", "flannel_nftables")
NEW_CLUSTER = frozenset({"families", "cni", "kubernetes"})  # what kubeadm decides once


@dataclass(frozen=True, slots=True)
class Flavour:
    """One choice of everything that `up` lets choose."""

    flannel_backend: str = "vxlan"
    flannel_nftables: bool = False
    proxy_mode: str = "iptables"
    rp_filter: int = 0
    workers: int = 2
    families: str = "ipv4"
    cni: str = "flannel"
    kubernetes: str = "1.36"

    def differences(self, other: Flavour) -> list[str]:
        """Names of the fields in which `other` differs, in the order of definition."""
        return [field.name for field in fields(self) if getattr(self, field.name) != getattr(other, field.name)]

    def needs_new_cluster(self, other: Flavour) -> bool:
        """True if a running lab of this flavour cannot be changed in place to the other one."""
        return bool(NEW_CLUSTER & set(self.differences(other)))

    def changed(self, wanted: dict[str, Any]) -> Flavour:
        """This flavour with the given fields replaced; a value of None keeps the field."""
        return replace(self, **{name: value for name, value in wanted.items() if value is not None})

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self._network()}, kube-proxy {self.proxy_mode}, rp_filter {self.rp_filter}, "
            f"{self.workers} worker{'s' * (self.workers != 1)}, {self.families}, Kubernetes {self.kubernetes}"
        )

    def _network(self) -> str:
        if self.cni != "flannel":
            return f"CNI plugin {self.cni} with static routes"
        return f"flannel {self.flannel_backend} with {'nftables' if self.flannel_nftables else 'iptables'}"


def choose(base: Flavour, wanted: dict[str, Any]) -> Flavour:
    """The flavour that `up` is asked for, from what there is; UsageError for one that no lab can have."""
    one = base.changed(wanted)
    if one.cni != "flannel":
        if any(wanted.get(name) is not None for name in OF_FLANNEL):
            raise UsageError(f"--cni {one.cni} runs no flannel: leave out --flannel-backend and --flannel-nftables")
        return replace(one, **{name: getattr(Flavour(), name) for name in OF_FLANNEL})
    if one.flannel_backend == "udp" and one.families != "ipv4":
        raise UsageError("flannel's udp backend carries IPv4 only: choose --families ipv4 or another --flannel-backend")
    return one


def from_dict(values: dict[str, Any]) -> Flavour:
    """The flavour written by `as_dict`; unknown fields are ignored, missing ones take their default."""
    known = {field.name for field in fields(Flavour)}
    return Flavour(**{name: value for name, value in values.items() if name in known})


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the flavour's options; an option that is not given stays None: keep what runs, or the default."""
    group = parser.add_argument_group("flavour", "what is not given stays as it runs now; a new lab takes the defaults")
    group.add_argument("--cni", choices=CNIS, help="what makes the pod network, default: flannel")
    group.add_argument("--flannel-backend", choices=FLANNEL_BACKENDS, help="default: vxlan")
    group.add_argument("--flannel-nftables", action=argparse.BooleanOptionalAction, default=None, help="flannel writes nftables rules")
    group.add_argument("--proxy-mode", choices=PROXY_MODES, help="mode of kube-proxy, default: iptables")
    group.add_argument("--rp-filter", type=int, choices=(0, 1, 2), help="reverse path filter of the nodes, default: 0")
    group.add_argument("--workers", type=int, choices=range(1, addresses.MOST_WORKERS + 1), metavar="N", help="default: 2")
    group.add_argument("--families", choices=addresses.FAMILIES, help="address families of pods, Services and nodes, default: ipv4")
    group.add_argument("--kubernetes", choices=tuple(KUBERNETES), help="line of Kubernetes, default: 1.36; another one is built when asked")


def wanted(options: argparse.Namespace) -> dict[str, Any]:
    """The flavour's options as given on the command line (None where not given)."""
    return {field.name: getattr(options, field.name) for field in fields(Flavour)}
