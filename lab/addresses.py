"""The lab's address plan: who has which name and address.

Documentation ranges (RFC 5737, RFC 3849) stand for the outside. What a lab of a family has, it has at the same place: the
last group of an IPv6 address is written as the last number of the IPv4 address.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_interface
from typing import TypeVar

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
T = TypeVar("T")

UNDERLAY = IPv4Network("172.30.0.0/24")
INTERNET = IPv4Network("198.51.100.0/24")
RUNNER = IPv4Network("203.0.113.0/24")
PODS = IPv4Network("10.244.0.0/16")
SERVICES = IPv4Network("10.96.0.0/16")
UNDERLAY6 = IPv6Network("fd00:172:30::/64")
INTERNET6 = IPv6Network("2001:db8:198:51::/64")
RUNNER6 = IPv6Network("2001:db8:203:113::/64")
PODS6 = IPv6Network("fd00:10:244::/56")
SERVICES6 = IPv6Network("fd00:10:96::/112")

API_SERVICE = SERVICES[1]
DNS_SERVICE = SERVICES[10]
API_SERVICE6 = SERVICES6[1]
DNS_SERVICE6 = SERVICES6[10]
API_PORT = 6443
RUNNER_API_PORT = 46443
INTERNET_HOST = INTERNET[10]
INTERNET_DNS = INTERNET[53]
RUNNER_HOST = RUNNER[10]
INTERNET_HOST6 = INTERNET6[0x10]
INTERNET_DNS6 = INTERNET6[0x53]
RUNNER_HOST6 = RUNNER6[0x10]
ECHO_PORT = 9000
HTTP_PORT = 80
INTERNET_NAME = "www.example.test"

FAMILIES = ("ipv4", "dual", "ipv6")
MOST_WORKERS = 9


def of_cluster(families: str, four: T, six: T) -> tuple[T, ...]:
    """What the cluster has: the value of its family, or both, that of IPv4 first."""
    return {"ipv4": (four,), "dual": (four, six), "ipv6": (six,)}[families]


def of_hosts(families: str, four: T, six: T) -> tuple[T, ...]:
    """What the lab's hosts and wires have: IPv4 always (the runner asks the API over it), IPv6 where the cluster has it."""
    return (four,) if families == "ipv4" else (four, six)


def internet(families: str) -> tuple[tuple[Address, Network], ...]:
    """The internet host's addresses, each with its subnet."""
    four: tuple[Address, Network] = (INTERNET_HOST, INTERNET)
    return of_hosts(families, four, (INTERNET_HOST6, INTERNET6))


def runner(families: str) -> tuple[tuple[Address, Network], ...]:
    """The runner host's addresses, each with its subnet."""
    four: tuple[Address, Network] = (RUNNER_HOST, RUNNER)
    return of_hosts(families, four, (RUNNER_HOST6, RUNNER6))


def family(address: Address | Network) -> str:
    """The family's name in nft: ip or ip6."""
    return "ip" if address.version == 4 else "ip6"


def router_address(network: Network) -> Address:
    """The router's own address in one of its subnets: the first."""
    return network[1]


def interface(address: Address, network: Network) -> str:
    """The address with the prefix length of its subnet, as `ip address add` takes it."""
    return str(ip_interface(f"{address}/{network.prefixlen}"))


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the cluster; `port` is the name of its device on the underlay bridge (at most 15 characters)."""

    name: str
    role: str
    address: str
    address6: str
    port: str

    @property
    def is_control(self) -> bool:
        """True for the one node with the control plane."""
        return self.role == "control"

    def addresses(self, families: str) -> tuple[str, ...]:
        """The node's addresses in the cluster, the first family's first."""
        return of_cluster(families, self.address, self.address6)


def _node(name: str, role: str, number: int, port: str) -> Node:
    return Node(name, role, str(UNDERLAY[number]), str(UNDERLAY6[int(str(number), 16)]), port)


CONTROL = _node("k8snet-control", "control", 11, "control")


def worker(number: int) -> Node:
    """The worker with this number, counted from 1."""
    return _node(f"k8snet-worker{number}", "worker", 11 + number, f"worker{number}")


def nodes(workers: int) -> list[Node]:
    """The control-plane node and `workers` workers, in that order."""
    return [CONTROL, *(worker(number) for number in range(1, workers + 1))]
