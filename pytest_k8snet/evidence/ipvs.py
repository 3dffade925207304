"""kube-proxy's ipvs mode: addresses of Services on its dummy device, the kernel's virtual servers, what the mode needs besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse import ipvs

from .comparison import Comparison
from .node_facts import NodeFacts
from .rules_services import ServicePort, service_ports, wanted

DEVICE = "kube-ipvs0"
THERE, MISSING = "there", "missing"
NEEDED_SETS = ("KUBE-CLUSTER-IP", "KUBE-LOOP-BACK")
FATE = "deprecated since Kubernetes 1.35, off by default from 1.40, removed in 1.43"


def ipvs_servers(facts: NodeFacts) -> Comparison:
    """The dummy device holds every address of a Service, and each ClusterIP port is a virtual server with its endpoints."""
    _require_mode(facts)
    found: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    held = {address.address for address in facts.addresses if address.dev == DEVICE and ":" not in address.address}
    named = dict(_service_addresses(facts))
    for address in sorted(held | set(named)):
        key = f"{address} on {DEVICE} ({named.get(address, 'of no Service')})"
        found[key] = THERE if address in held else MISSING
        expected[key] = THERE if address in named else MISSING
    entries = ipvs_entries(facts)
    return Comparison(
        f"{DEVICE} (ip -j addr show) and virtual servers (/proc/net/ip_vs)", found | dict(entries.actual), expected | dict(entries.expected)
    )


def ipvs_entries(facts: NodeFacts) -> Comparison:
    """ClusterIP port -> real servers of its virtual server."""
    listed = facts.parsed("ip-vs", ipvs.virtual_servers)
    servers = {(server.protocol, server.address, server.port): server.real for server in listed}
    found: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for port in _ports(facts):
        ends = servers.get((port.protocol, port.address, port.port))
        found[str(port)] = "no virtual server" if ends is None else ends
        expected[str(port)] = wanted(port, ends or frozenset())
    return Comparison("virtual servers (/proc/net/ip_vs), against Services and EndpointSlices", found, expected)


def ipvs_settings(facts: NodeFacts) -> Comparison:
    """Sysctls and ipsets that the mode needs."""
    _require_mode(facts)
    found = {"net.ipv4.vs.conntrack": facts.text("vs-conntrack").strip(), "net.ipv4.ip_forward": facts.text("ip-forward").strip()}
    expected = {"net.ipv4.vs.conntrack": "1", "net.ipv4.ip_forward": "1"}
    if (facts.proxy_config.get("ipvs") or {}).get("strictARP"):
        for name, value in (("arp-ignore", "1"), ("arp-announce", "2")):
            key = f"net.ipv4.conf.all.{name.replace('-', '_')} (strictARP)"
            found[key], expected[key] = facts.text(name).strip(), value
    names = facts.parsed("ipsets", ipvs.set_names)
    for name in NEEDED_SETS:
        found[f"ipset {name}"], expected[f"ipset {name}"] = (THERE if name in names else MISSING), THERE
    return Comparison(f"what kube-proxy's ipvs mode needs ({FATE})", found, expected)


def _require_mode(facts: NodeFacts) -> None:
    mode = facts.inventory.proxy
    if mode != "ipvs":
        raise NotApplicable(f"kube-proxy runs in mode {mode or 'unknown'}, not ipvs")


def _ports(facts: NodeFacts) -> tuple[ServicePort, ...]:
    ports = service_ports(facts.recording, facts.api)
    if not ports:
        raise Inconclusive(f"{facts.node}: no Service has an IPv4 ClusterIP port with a ready endpoint: there is nothing to judge by")
    return ports


def _service_addresses(facts: NodeFacts) -> Iterator[tuple[str, str]]:
    """Every IPv4 address that kube-proxy answers for, with its Service."""
    services = facts.recording.object("services")
    if services is None:
        raise Inconclusive("services were not read: which addresses kube-proxy should hold is unknown")
    for service in services.get("items") or ():
        name = f"{service['metadata'].get('namespace', '')}/{service['metadata']['name']}"
        yield from ((address, name) for address in _addresses(service) if "." in address)


def _addresses(service: Mapping[str, Any]) -> Iterator[str]:
    spec = service.get("spec") or {}
    yield from spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    yield from spec.get("externalIPs") or ()
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    yield from (entry["ip"] for entry in balancer.get("ingress") or () if entry.get("ip"))


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {"ipvs_servers": ipvs_servers, "ipvs_settings": ipvs_settings}
