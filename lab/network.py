"""The lab's wires: an underlay bridge with a router, the internet host, the runner and the nodes, each in a namespace.

No namespace has a route to the machine's own network, and the router has no default route: a packet for anywhere else
ends there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

from lab import addresses, namespace
from lab.addresses import Address, Network
from lab.errors import LabError
from lab.flavour import Flavour

Placed = tuple[Address, Network]  # an address and the subnet that it lies in
BRIDGE = "underlay"
NET = Path("/proc/sys/net")


def ip(pid: int, lines: Iterable[str]) -> None:
    """Run lines of `ip -batch` in the network namespace of a process."""
    with namespace.network(pid):
        done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"ip could not set up the lab's network: {done.stderr.strip().splitlines()[0]}")


def write_sysctls(pid: int, values: Mapping[str, object]) -> None:
    """Write sysctls below net/ (names with dots as in sysctl.d(5)) in the network namespace of a process."""
    with namespace.network(pid):
        for name, value in values.items():
            _sysctl_file(name).write_text(f"{value}\n")


def _sysctl_file(name: str) -> Path:
    return NET.joinpath(*name.removeprefix("net.").split("."))


def build_router(router: int, families: str) -> None:
    """Make the underlay bridge and forwarding in the router's namespace."""
    own: tuple[Network, ...] = addresses.of_hosts(families, addresses.UNDERLAY, addresses.UNDERLAY6)
    ip(router, ["link set lo up", f"link add {BRIDGE} type bridge", f"link set {BRIDGE} up", *_gateway_lines(own, BRIDGE)])
    # "Unreachable" for every packet: by default a second one within a second stays silent, and the sender waits.
    write_sysctls(router, {"net.ipv4.ip_forward": 1, "net.ipv4.icmp_ratelimit": 0, **reverse_path(0)})
    if families != "ipv4":
        write_sysctls(router, {"net.ipv6.conf.all.forwarding": 1, "net.ipv6.icmp.ratelimit": 0})


def _gateway_lines(networks: Iterable[Network], device: str) -> list[str]:
    return [_address_line(addresses.router_address(one), one, device) for one in networks]


def _address_line(address: Address, network: Network, device: str) -> str:
    # nodad: usable at once, and nobody else is on these wires
    return f"address add {addresses.interface(address, network)} dev {device}{' nodad' if address.version == 6 else ''}"


def reverse_path(value: int, devices: Iterable[str] = ()) -> dict[str, int]:
    """The sysctls that set rp_filter for new devices and the named ones."""
    return {f"net.ipv4.conf.{device}.rp_filter": value for device in ("all", "default", *devices)}


def set_reverse_path_filter(pid: int, value: int) -> None:
    """Set rp_filter of a node: for all devices it has and for those to come."""
    with namespace.network(pid):
        devices = [path.name for path in (NET / "ipv4/conf").iterdir() if path.name not in {"all", "default"}]
    with namespace.network(pid):
        for device in ("all", "default", *devices):
            (NET / "ipv4/conf" / device / "rp_filter").write_text(f"{value}\n")


def connect_node(router: int, node: int, plan: addresses.Node, flavour: Flavour) -> None:
    """Plug a node's namespace into the underlay bridge and set the sysctls that Kubernetes asks of a node."""
    ip(router, [
        f"link add {plan.port} type veth peer name eth0 netns {node}",
        f"link set {plan.port} master {BRIDGE} up",
    ])  # fmt: skip
    ip(node, _host_lines(_own_addresses(plan, flavour.families)))
    write_sysctls(node, {"net.ipv4.ip_forward": 1, "net.bridge.bridge-nf-call-iptables": 1})
    if flavour.families != "ipv4":
        write_sysctls(node, {"net.ipv6.conf.all.forwarding": 1, "net.bridge.bridge-nf-call-ip6tables": 1})
    set_reverse_path_filter(node, flavour.rp_filter)


def _own_addresses(plan: addresses.Node, families: str) -> tuple[Placed, ...]:
    four: Placed = (ip_address(plan.address), addresses.UNDERLAY)
    return addresses.of_hosts(families, four, (ip_address(plan.address6), addresses.UNDERLAY6))


def disconnect_node(router: int, plan: addresses.Node) -> None:
    """Unplug a node from the underlay, if it is plugged in; its device may vanish by itself just then."""
    with namespace.network(router):
        subprocess.run(["ip", "link", "delete", plan.port], capture_output=True, check=False)


def connect_host(router: int, host: int, name: str, own: Sequence[Placed], more: Iterable[Address] = ()) -> None:
    """Give a host its own routed subnets: a link `name` to the router and a default route there."""
    gateways = _gateway_lines([network for _, network in own], name)
    ip(router, [f"link add {name} type veth peer name eth0 netns {host}", f"link set {name} up", *gateways])
    alone = [_address_line(one, ip_network(one), "eth0") for one in more]
    ip(host, [*_host_lines(own), *alone])


def _host_lines(own: Iterable[Placed]) -> list[str]:
    lines = ["link set lo up", "link set eth0 up"]
    for address, network in own:
        lines += [_address_line(address, network, "eth0"), f"route add default via {addresses.router_address(network)}"]
    return lines
