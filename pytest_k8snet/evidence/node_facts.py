"""What was read on one node, parsed when it is first asked for. A fact that is missing or unreadable is never an empty value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.recording import Entry, Recording
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse import bridge, ip, kube_proxy
from pytest_k8snet.parse.errors import ParseError
from pytest_k8snet.plan import flannel
from pytest_k8snet.plan.readers import AFTER

T = TypeVar("T")
NO_FILE = ("no such file", "not a regular file", "is a directory")


class NodeFacts:
    """Facts of one node plus the API objects that say what they should be.

    Every access raises Inconclusive, naming node, reader and error, where there is no value.
    `used` lists the raw facts that were looked at, in order: the evidence of whatever was judged with them.
    """

    def __init__(self, recording: Recording, inventory: Inventory, node: str) -> None:
        self.recording, self.inventory, self.node = recording, inventory, node
        self.used: list[Entry] = []

    def text(self, name: str, phase: str = AFTER) -> str:
        """Text of the fact's last reading."""
        fact = self.reading(name, phase)
        if not fact["ok"]:
            raise Inconclusive(f"{self.node}: {name} ({fact['source']}) was not read: {fact['error'] or 'no reason given'}")
        return str(fact["text"])

    def absent(self, name: str, phase: str = AFTER) -> bool:
        """Whether the file of this fact does not exist (any other failure to read it stays unknown)."""
        fact = self.reading(name, phase)
        return not fact["ok"] and "no such file" in str(fact["error"]).lower()

    def source(self, name: str, phase: str = AFTER) -> str:
        """Path, command or address the fact came from."""
        return str(self.reading(name, phase)["source"])

    def files(self, name: str, phase: str = AFTER) -> dict[str, str]:
        """Path -> text for a fact that reads several files; directories among them are none."""
        found = list(self.recording.entries("facts", node=self.node, phase=phase, name=name))
        if not found:
            raise Inconclusive(self._unread(name, phase))
        self.used += found
        unread = [fact for fact in found if not fact["ok"] and not any(words in str(fact["error"]).lower() for words in NO_FILE)]
        if unread:
            raise Inconclusive(f"{self.node}: {unread[0]['source']} was not read: {unread[0]['error']}")
        return {str(fact["source"]): str(fact["text"]) for fact in found if fact["ok"]}

    def parsed(self, name: str, parse: Callable[[str], T], phase: str = AFTER) -> T:
        """The fact through a parser."""
        return self.understood(name, parse, self.text(name, phase))

    def understood(self, name: str, parse: Callable[[str], T], text: str) -> T:
        """Text through a parser; what cannot be parsed is Inconclusive, with the parser's own words."""
        try:
            return parse(text)
        except ParseError as error:
            raise Inconclusive(f"{self.node}: {name} cannot be understood: {error}") from error

    @cached_property
    def links(self) -> Mapping[str, ip.Link]:
        """Network devices by name."""
        return {link.name: link for link in self.parsed("links", ip.links)}

    @cached_property
    def addresses(self) -> tuple[ip.Address, ...]:
        """Addresses of all devices."""
        return tuple(self.parsed("addresses", ip.addresses))

    @cached_property
    def routes(self) -> tuple[ip.Route, ...]:
        """Routes of all tables."""
        return tuple(self.parsed("routes", ip.routes))

    @cached_property
    def neighbours(self) -> tuple[ip.Neighbour, ...]:
        """Neighbour entries of all devices."""
        return tuple(self.parsed("neighbours", ip.neighbours))

    @cached_property
    def forwarding_database(self) -> tuple[bridge.Entry, ...]:
        """Forwarding database of bridges and tunnels."""
        return tuple(self.parsed("fdb", bridge.fdb))

    @cached_property
    def net_conf(self) -> flannel.NetConf:
        """flannel's net-conf.json."""
        return flannel.net_conf(self.recording)

    @cached_property
    def proxy_config(self) -> Mapping[str, Any]:
        """kube-proxy's configuration."""
        body = self.recording.object("configmap/kube-system/kube-proxy")
        text = ((body or {}).get("data") or {}).get("config.conf")
        if text is None:
            raise Inconclusive("ConfigMap kube-system/kube-proxy, key config.conf, was not read")
        return self.understood("kube-proxy's config.conf", _proxy_config, text)

    @cached_property
    def api(self) -> Mapping[str, Any]:
        """This node's API object."""
        for item in self.api_nodes:
            if item["metadata"]["name"] == self.node:
                return item
        raise Inconclusive(f"{self.node}: the API's list of nodes does not hold this node")

    @cached_property
    def api_nodes(self) -> tuple[Mapping[str, Any], ...]:
        """All nodes of the cluster, whether selected or not: each is a peer."""
        body = self.recording.object("nodes")
        if body is None:
            raise Inconclusive("the list of nodes was not read")
        return tuple(body["items"])

    def require_ipv4(self) -> None:
        """Raises NotApplicable in a cluster of IPv6 alone."""
        if self.inventory.families == (Family.IPV6,):
            raise NotApplicable("the cluster is IPv6 only, and this is about IPv4: NET-IPV6-007 judges flannel's state for IPv6")

    @cached_property
    def host(self) -> flannel.Host:
        """This node as flannel's annotations describe it. Raises NotApplicable where there is no IPv4."""
        self.require_ipv4()
        return flannel.host(self.api, self.net_conf.backend)

    @cached_property
    def peers(self) -> tuple[flannel.Host, ...]:
        """The other nodes as flannel's annotations describe them. Raises NotApplicable where there is no IPv4."""
        self.require_ipv4()
        return tuple(flannel.host(item, self.net_conf.backend) for item in self.api_nodes if item["metadata"]["name"] != self.node)

    def reading(self, name: str, phase: str = AFTER) -> Entry:
        """The fact's last reading as it was recorded, also where it failed."""
        found = list(self.recording.entries("facts", node=self.node, phase=phase, name=name))
        if not found:
            raise Inconclusive(self._unread(name, phase))
        if found[-1] not in self.used:
            self.used.append(found[-1])
        return found[-1]

    def _unread(self, name: str, phase: str) -> str:
        host = f"host@{self.node}"
        problems = [entry["problem"] for entry in self.recording.entries("fleet", endpoint=host) if entry["problem"]]
        losses = [event["reason"] for event in self.recording.entries("events", what="stream-lost", source=host)]
        why = f"the privileged probe pod: {(problems + losses)[0]}" if problems + losses else "there is no such fact"
        return f"{self.node}: {name} was not read {phase} the probes ({why})"


@lru_cache(maxsize=8)
def _proxy_config(text: str) -> Mapping[str, Any]:
    """Every node is judged by the same text."""
    return kube_proxy.config(text)
