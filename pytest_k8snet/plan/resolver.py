"""What a pod's resolv.conf holds under each dnsPolicy, and what its resolver is asked.

The file follows from kubelet's effective configuration and the node's own file, never from constants
(kubelet pkg/kubelet/network/dns; Kubernetes documentation, "DNS for Services and Pods").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action, Probe
from pytest_k8snet.parse.resolv import ResolvConf, parse

TRANSPORTS = ("udp", "tcp")
WORDS = ("kubernetes", "web", "external", "unknown", "private", "big", "truncated")
POLICIES = ("ClusterFirst", "Default", "None", "")
MAX_NAMESERVERS, MAX_SEARCHES, MAX_SEARCH_CHARACTERS = 3, 32, 2048  # kubelet >= 1.26
NONE_FILE = ResolvConf(("127.0.0.1",), ("k8snet.test",), ("ndots:2",))  # dnsConfig of the probe pod with policy None
NO_FILE = ResolvConf(("127.0.0.1",), (".",), ())  # what kubelet gives Default pods when resolvConf is ""
DNS_SERVICE = Endpoint(EndpointKind.SERVICE, "kube-dns")


@dataclass(frozen=True, slots=True)
class ResolverRow:
    """One row of the table `resolvers` in matrix.yaml.

    `policy` is the one that decides the file ("" = the file is not judged); `answers` maps a question, asked through the pod's own
    resolver over UDP and over TCP, to the expected word; `queries` maps "<udp|tcp>[-edns]-<question>", one raw message, to it.
    """

    requirement: str
    pods: tuple[str, ...]
    policy: str
    answers: Mapping[str, str]
    queries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResolverPlan:
    """One item: the resolver of one pod and what each probe should find."""

    requirement: str
    node: str
    source: Endpoint
    policy: str
    probes: Mapping[Probe, str]

    def __str__(self) -> str:
        return str(self.source)


@dataclass(frozen=True, slots=True)
class KubeletDns:
    """The DNS part of a kubelet's effective configuration. `path` "" means that kubelet hands no file of the node to pods."""

    servers: tuple[str, ...]
    domain: str
    path: str

    @classmethod
    def of(cls, configz: Mapping[str, Any]) -> KubeletDns:
        """From the body of /configz. Raises KeyError when it is no kubelet configuration."""
        config = configz["kubeletconfig"]
        path = config.get("resolvConf", "/etc/resolv.conf")
        return cls(tuple(config.get("clusterDNS") or ()), str(config.get("clusterDomain") or "").rstrip("."), path or "")


def load(rows: Iterable[Mapping[str, Any]]) -> tuple[ResolverRow, ...]:
    """Rows of matrix.yaml. Raises UsageProblem naming the requirement and the word that is not known."""
    return tuple(_row(row) for row in rows)


def _row(row: Mapping[str, Any]) -> ResolverRow:
    found = ResolverRow(
        requirement=str(row["requirement"]),
        pods=tuple(row["pods"]),
        policy=str(row.get("policy") or ""),
        answers=dict(row.get("answers") or {}),
        queries=dict(row.get("queries") or {}),
    )
    strange = [word for word in (*found.answers.values(), *found.queries.values()) if word not in WORDS]
    if strange or found.policy not in POLICIES:
        odd = repr(strange[0]) if strange else f"policy {found.policy!r}"
        raise UsageProblem(f"matrix.yaml, resolvers, {found.requirement}: {odd} is not known; use one of {', '.join(WORDS)}")
    return found


def plans(rows: Sequence[ResolverRow], requirement: str, inventory: Inventory, roles: Iterable[str]) -> tuple[ResolverPlan, ...]:
    """One plan per node and pod of that requirement whose role is available.

    What a file should hold follows from the node's own file and kubelet's configuration, which only the host's pod may read.
    """
    have = frozenset(roles)
    judged = [row for row in rows if row.requirement == requirement and (not row.policy or "host" in have)]
    wanted = [(row, pod, node) for row in judged for node in inventory.names for pod in row.pods]
    return tuple(_plan(row, Endpoint.parse(f"{pod}@{node}")) for row, pod, node in wanted if role(Endpoint.parse(pod)) in have)


def role(endpoint: Endpoint) -> str:
    """The probe pod's role: its name, or "host"."""
    return endpoint.name or str(endpoint.kind)


def _plan(row: ResolverRow, source: Endpoint) -> ResolverPlan:
    own = Endpoint(EndpointKind.RESOLVER)
    asked = {Probe(Action.RESOLVE, source, own, f"{via}-{q}"): word for q, word in row.answers.items() for via in TRANSPORTS}
    sent = {Probe(Action.QUERY, source, DNS_SERVICE, detail): word for detail, word in row.queries.items()}
    return ResolverPlan(row.requirement, source.node, source, row.policy, asked | sent)


def host_file(text: str) -> ResolvConf:
    """The node's file as kubelet reads it: unlike a resolver it does not know the keyword `domain`. Raises ParseError."""
    return parse("\n".join("" if line.split()[:1] == ["domain"] else line for line in text.split("\n")))


def expected_file(policy: str, namespace: str, kubelet: KubeletDns, node_file: ResolvConf) -> ResolvConf:
    """The content by policy, where `policy` is the one in effect: a pod on the host network with ClusterFirst has Default.

    Raises KeyError for a policy that decides nothing.
    """
    host = node_file if kubelet.path else NO_FILE
    match policy:
        case "None":
            return NONE_FILE
        case "ClusterFirst" if kubelet.servers:
            return _limited(ResolvConf(kubelet.servers, _searches(namespace, kubelet.domain, host.search), ("ndots:5",)))
        case "ClusterFirst" | "Default":
            return _limited(host)
    raise KeyError(policy)


def _searches(namespace: str, domain: str, own: Iterable[str]) -> tuple[str, ...]:
    generated = (f"{namespace}.svc.{domain}", f"svc.{domain}", domain) if domain else ()
    return tuple(dict.fromkeys((*generated, *own)))


def _limited(conf: ResolvConf) -> ResolvConf:
    kept: list[str] = []
    for entry in (search.rstrip(".") or "." for search in conf.search):
        if len(kept) < MAX_SEARCHES and len(" ".join([*kept, entry])) <= MAX_SEARCH_CHARACTERS:
            kept.append(entry)
    return ResolvConf(conf.nameservers[:MAX_NAMESERVERS], tuple(kept), conf.options)
