"""Whose resolver is judged, what it is asked, and in which words the answer is expected: the table `resolvers` in matrix.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action, Family, Probe

from .applies import Answer, Value, evaluate
from .available import nodes_of
from .questions import QUESTIONS
from .questions import of as question_of

TRANSPORTS = ("udp", "tcp")
WORDS = (
    "kubernetes",
    "web",
    "external",
    "unknown",
    "private",
    "big",
    "truncated",
    "records",
    "nodata",
    "nxdomain",
    "unready",
    "missing",
    "quick",
)
POLICIES = ("ClusterFirst", "Default", "None", "")
DNS_SERVICE = Endpoint(EndpointKind.SERVICE, "kube-dns")


@dataclass(frozen=True, slots=True)
class ResolverRow:
    """One row of the table `resolvers` in matrix.yaml.

    `policy` is the one that decides the file ("" = the file is not judged); `answers` maps a question, asked through the pod's own
    resolver over UDP and over TCP, to the expected word; `queries` maps "<udp|tcp>[-edns]-<question>", one raw message, to it.
    `lookups` maps a question, asked a hundred times at once, to it. `applies` is a condition of the row's own.
    """

    requirement: str
    pods: tuple[str, ...]
    policy: str
    answers: Mapping[str, str]
    queries: Mapping[str, str]
    lookups: Mapping[str, str] = field(default_factory=dict)
    applies: str = "any"


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
        lookups=dict(row.get("lookups") or {}),
        applies=str(row.get("applies") or "any"),
    )
    if odd := next(_strange(found), ""):
        raise UsageProblem(f"matrix.yaml, resolvers, {found.requirement}: {odd}")
    return found


def _strange(row: ResolverRow) -> Iterator[str]:
    """What of a row nobody understands."""
    words = (*row.answers.values(), *row.queries.values(), *row.lookups.values())
    yield from (f"{word!r} is not known; use one of {', '.join(WORDS)}" for word in words if word not in WORDS)
    asked = (*row.answers, *row.lookups, *map(question_of, row.queries))
    yield from (f"question {name!r} is not known; use one of {', '.join(QUESTIONS)}" for name in asked if name not in QUESTIONS)
    if row.policy not in POLICIES:
        yield f"policy {row.policy!r} is not known; use one of {', '.join(filter(None, POLICIES))}"


def plans(
    rows: Sequence[ResolverRow], requirement: str, inventory: Inventory, roles: Iterable[str], values: Mapping[str, Value] | None = None
) -> tuple[ResolverPlan, ...]:
    """One plan per node and pod of that requirement whose role is available.

    What a file should hold follows from the node's own file and kubelet's configuration, which only the host's pod may read.
    """
    have = frozenset(roles)
    mine = [row for row in rows if row.requirement == requirement and evaluate(row.applies, values or {}).answer is not Answer.NO]
    judged = [row for row in mine if not row.policy or "host" in have]
    ends = [(row, Endpoint.parse(pod)) for row in judged for pod in row.pods]
    wanted = [(row, end, node) for node in inventory.names for row, end in ends if node in nodes_of(role(end), inventory)]
    return tuple(_plan(row, Endpoint(end.kind, end.name, node), inventory) for row, end, node in wanted if role(end) in have)


def role(endpoint: Endpoint) -> str:
    """The probe pod's role: its name, or "host"."""
    return endpoint.name or str(endpoint.kind)


def _plan(row: ResolverRow, source: Endpoint, inventory: Inventory) -> ResolverPlan:
    own, family = Endpoint(EndpointKind.RESOLVER), Family.of(inventory.dns_ip)
    asked = {Probe(Action.RESOLVE, source, own, f"{via}-{q}", family): word for q, word in row.answers.items() for via in TRANSPORTS}
    sent = {Probe(Action.QUERY, source, DNS_SERVICE, detail, family): word for detail, word in row.queries.items()}
    many = {Probe(Action.LOOKUPS, source, own, f"udp-{q}", family): word for q, word in row.lookups.items()}
    return ResolverPlan(row.requirement, source.node, source, row.policy, asked | sent | many)
