"""Which chains and jumps kube-proxy and kubelet write in which minor version of Kubernetes 1, as data.

Read from pkg/proxy/iptables/proxier.go and pkg/kubelet/kubelet_network_linux.go at the minors where they changed. Names are no API
(KEP-3178): what differs from these tables explains other findings, and is none of its own unless rules do something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LAST = 10_000  # no end in sight
NEW = "NEW"


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump in the table filter: `first` to `last` are the minors that must have it, `either` those that may."""

    chain: str
    target: str
    first: int = 0
    last: int = LAST
    state: str = NEW  # --ctstate that it asks for
    either: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return f"{self.chain} > {self.target}"


EARLY = frozenset(range(20))  # the patch releases of 1.18 and 1.19 are of both shapes (kubernetes/kubernetes#95252)
FILTER_JUMPS = (
    Jump("FORWARD", "KUBE-FORWARD", state=""),
    Jump("FORWARD", "KUBE-SERVICES"),
    Jump("OUTPUT", "KUBE-SERVICES"),
    Jump("INPUT", "KUBE-SERVICES", last=-1, either=EARLY),
    Jump("INPUT", "KUBE-EXTERNAL-SERVICES"),
    Jump("FORWARD", "KUBE-EXTERNAL-SERVICES", first=20, either=EARLY),
    Jump("INPUT", "KUBE-NODEPORTS", first=21, state=""),
    Jump("INPUT", "KUBE-PROXY-FIREWALL", first=25),
    Jump("OUTPUT", "KUBE-PROXY-FIREWALL", first=25),
    Jump("FORWARD", "KUBE-PROXY-FIREWALL", first=25),
)

ANSWERS_IN_ONE_RULE = 23  # before: one rule for answers to pods, one for answers of pods
LIBERAL_SPARED = 29  # from here on no drop of INVALID where nf_conntrack_tcp_be_liberal is set (kubernetes/kubernetes#122812)
LOCALNET_DROP = 19  # kubernetes/kubernetes#91569, and patch releases of 1.18
MARK_DROP_LAST = 26  # KEP-3178: IPTablesOwnershipCleanup is on from 1.27
OWNERSHIP_GATE = "IPTablesOwnershipCleanup"
PROXY_MARK_DROP = range(20, 25)  # kube-proxy ensures KUBE-MARK-DROP too
KUBELET_CANARY_LAST = 26
HINT_FIRST = 24  # kubernetes/kubernetes#109059
CANARIES = ("mangle", "nat", "filter")
EXTERNAL_SPLIT = 24  # KUBE-EXT and KUBE-SVL instead of KUBE-XLB (kubernetes/kubernetes#109060)
FIREWALL_FIRST = 25  # source ranges: KUBE-PROXY-FIREWALL


def filter_jumps(minor: int) -> Iterable[Jump]:
    """The jumps that this minor must have."""
    return (jump for jump in FILTER_JUMPS if jump.first <= minor <= jump.last)


def known_jump(minor: int, chain: str, target: str) -> bool:
    """Whether this minor has such a jump, or may have it."""
    found = [jump for jump in FILTER_JUMPS if (jump.chain, jump.target) == (chain, target)]
    return any(jump.first <= minor <= jump.last or minor in jump.either for jump in found)


def external_chains(minor: int, local: bool) -> tuple[str, ...]:
    """Kinds of chains that packets to a node port pass, before those of the endpoints."""
    if minor < EXTERNAL_SPLIT:
        return ("KUBE-XLB",) if local else ("KUBE-SVC",)
    return ("KUBE-EXT", "KUBE-SVL" if local else "KUBE-SVC")
