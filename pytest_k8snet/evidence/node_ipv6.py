"""What a node needs before its pods can have IPv6."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from .comparison import Comparison
from .networks import addresses
from .node_facts import NodeFacts
from .node_system import PHASES

FORWARDING, BRIDGED = "net.ipv6.conf.all.forwarding", "net.bridge.bridge-nf-call-ip6tables"
INTERNAL = "global IPv6 InternalIP"
NO_MODULE = "br_netfilter is not loaded"


def ipv6_prerequisites(node: NodeFacts) -> Comparison:
    """Forwarding, bridged traffic in ip6tables where the CNI plugin makes a bridge, and an address that the API tells.

    Forwarding is read before the first probe pod too: creating a pod makes the bridge plugin switch it on.
    """
    found = {f"{FORWARDING} {when}": node.text("ip6-forward", phase).strip() for phase, when in PHASES.items()}
    if node.inventory.cni == "flannel":
        found[BRIDGED] = NO_MODULE if node.absent("bridge-nf6") else node.text("bridge-nf6").strip()
    expected = dict.fromkeys(found, "1")
    told = [entry["address"] for entry in (node.api.get("status") or {}).get("addresses") or () if entry.get("type") == "InternalIP"]
    usable = [str(address) for address in addresses(told) if isinstance(address, IPv6Address) and _global(address)]
    node.used.append({"object": f"node/{node.node}", "InternalIP": told})
    found[INTERNAL], expected[INTERNAL] = ("there" if usable else "missing"), "there"
    notes = {INTERNAL: f"InternalIP {' '.join(told) or 'missing'} of the Node object"}
    return Comparison("IPv6 prerequisites (/proc/sys/net, Node object)", found, expected, notes)


def _global(address: IPv6Address) -> bool:
    """Scope global in the kernel's sense: unique local addresses are, link-local ones and loopback are not."""
    return not (address.is_link_local or address.is_loopback or address.is_unspecified or address.is_multicast)


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"ipv6_prerequisites": ipv6_prerequisites}
