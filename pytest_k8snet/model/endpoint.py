"""Who talks to whom: stable names for the two ends of a probe, independent of addresses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EndpointKind(StrEnum):
    """What an endpoint is; the value is its spelling in ids and recordings."""

    POD = "pod"  # a probe pod on the pod network; name = its role
    HOST = "host"  # the probe pod on the node's own network
    SERVICE = "service"  # a Service by its ClusterIP; name = the Service
    NODE_PORT = "node-port"  # the Service `name` at the InternalIP of `node`
    API = "api"  # the API server; name = "service" or "ip:port" of one of its endpoints
    OUTSIDE = "outside"  # outside the cluster; name = "runner" or a declared target
    LOOPBACK = "loopback"  # 127.0.0.1 inside the source's own network namespace; name = the Service whose NodePort is asked there
    DNS = "dns"  # a server behind the Service kube-dns on `node`; name = its number where a node has several
    RESOLVER = "resolver"  # the source's own resolv.conf


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One end of a probe. Spelled `kind[/name][@node]`, for example `pod/a@worker1`, `host@worker1`, `service/web`."""

    kind: EndpointKind
    name: str = ""
    node: str = ""

    def __str__(self) -> str:
        return self.kind + (f"/{self.name}" if self.name else "") + (f"@{self.node}" if self.node else "")

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """The inverse of `str()`. Raises ValueError for an unknown kind."""
        rest, _, node = text.partition("@")
        kind, _, name = rest.partition("/")
        return cls(EndpointKind(kind), name, node)
