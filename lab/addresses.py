"""The lab's address plan: who has which name and address.

Documentation ranges (RFC 5737, RFC 3849) stand for the outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

UNDERLAY = IPv4Network("172.30.0.0/24")
INTERNET = IPv4Network("198.51.100.0/24")
RUNNER = IPv4Network("203.0.113.0/24")
PODS = IPv4Network("10.244.0.0/16")
SERVICES = IPv4Network("10.96.0.0/16")

API_SERVICE = SERVICES[1]
DNS_SERVICE = SERVICES[10]
API_PORT = 6443
RUNNER_API_PORT = 46443
INTERNET_HOST = INTERNET[10]
INTERNET_DNS = INTERNET[53]
RUNNER_HOST = RUNNER[10]
ECHO_PORT = 9000
HTTP_PORT = 80
INTERNET_NAME = "www.example.test"

FAMILIES = ("ipv4",)
MOST_WORKERS = 9


def router_address(network: IPv4Network) -> IPv4Address:
    """The router's own address in one of its subnets: the first."""
    return network[1]


def interface(address: IPv4Address, network: IPv4Network) -> IPv4Interface:
    """The address with the prefix length of its subnet, as `ip address add` takes it."""
    return IPv4Interface(f"{address}/{network.prefixlen}")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the cluster; `port` is the name of its device on the underlay bridge (at most 15 characters)."""

    name: str
    role: str
    address: str
    port: str

    @property
    def is_control(self) -> bool:
        """True for the one node with the control plane."""
        return self.role == "control"


CONTROL = Node("k8snet-control", "control", str(UNDERLAY[11]), "control")


def worker(number: int) -> Node:
    """The worker with this number, counted from 1."""
    return Node(f"k8snet-worker{number}", "worker", str(UNDERLAY[11 + number]), f"worker{number}")


def nodes(workers: int) -> list[Node]:
    """The control-plane node and `workers` workers, in that order."""
    return [CONTROL, *(worker(number) for number in range(1, workers + 1))]
