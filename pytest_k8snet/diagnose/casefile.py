"""What the search for causes works with: the results that are bad, and the comparisons behind those about nodes and the cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from pytest_k8snet.evidence.cluster import ClusterEvidence
from pytest_k8snet.evidence.comparison import Comparison
from pytest_k8snet.evidence.node import NodeEvidence
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.result import Result, Subject
from pytest_k8snet.model.verdict import Inconclusive, Level, NotApplicable, Status

BAD = (Status.FAILED, Status.WARNING)
Where = Callable[[Subject], bool]
_ROW = re.compile(r" +step \S+: (\S+) > (\S+) (\S+): expected ")  # evidence/steps_table.py writes them


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of a comparison that is not as it should be; `line` is the line of the failure text with its caption."""

    key: Any
    expected: Any
    found: Any
    note: str
    line: str
    result: Result


class CaseFile:
    """One recording, judged."""

    def __init__(self, recording: Recording, inventory: Inventory, results: Iterable[Result]) -> None:
        self.recording, self.inventory = recording, inventory
        self.bad = tuple(result for result in results if result.status in BAD and result.level is not Level.MAY)
        self._nodes: dict[str, NodeEvidence] = {}

    @property
    def names(self) -> Sequence[str]:
        """The nodes that were judged."""
        return self.inventory.names

    def about(self, *ids: str, where: Where | None = None) -> tuple[Result, ...]:
        """Bad results of requirements (patterns) whose subject fits; of a scenario, all conversations that are not as they should be."""
        return tuple(r for r in self.bad if _one_of(r.requirement, ids) and (where is None or all(map(where, _subjects(r)))))

    def at_node(self, requirement: str, comparison: str, node: str) -> tuple[Difference, ...]:
        """How a node differs in the comparison that this requirement is judged by; nothing where it is not bad there."""
        found = self.about(requirement, where=lambda subject: subject.node == node)
        return _differences(self._node(node).comparison, comparison, found[0]) if found else ()

    def in_cluster(self, requirement: str, comparison: str) -> tuple[Difference, ...]:
        """The same for a requirement about the cluster."""
        found = self.about(requirement)
        return _differences(self._cluster.comparison, comparison, found[0]) if found else ()

    @cached_property
    def every_node(self) -> frozenset[str]:
        """All nodes of the cluster, judged or not: each is a peer."""
        return frozenset(item["metadata"]["name"] for item in (self.recording.object("nodes") or {"items": []})["items"])

    @cached_property
    def dns_nodes(self) -> frozenset[str]:
        """Nodes on which a replica of the cluster's DNS runs."""
        pods = (self.recording.object("pods/kube-system") or {"items": []})["items"]
        ours = (pod for pod in pods if (pod["metadata"].get("labels") or {}).get("k8s-app") == "kube-dns")
        return frozenset(pod["spec"].get("nodeName", "") for pod in ours)

    @cached_property
    def _cluster(self) -> ClusterEvidence:
        return ClusterEvidence(self.recording, self.inventory)

    def _node(self, name: str) -> NodeEvidence:
        if name not in self._nodes:
            self._nodes[name] = NodeEvidence(self.recording, self.inventory, name)
        return self._nodes[name]


def key(result: Result) -> tuple[str, str]:
    """What tells results apart."""
    return result.requirement, str(result.subject)


def together(*groups: Iterable[Result]) -> tuple[Result, ...]:
    """The results of all groups, each once."""
    return tuple({key(result): result for group in groups for result in group}.values())


def _subjects(result: Result) -> tuple[Subject, ...]:
    """What a result is about: its subject, or the conversations that the failure text of a scenario lists, if it lists nothing else."""
    lines = [line for line in result.message.splitlines() if line.lstrip().startswith("step ")]
    rows = [_ROW.match(line) for line in lines]
    ends = [Subject(row[1], row[2], protocol=row[3]) for row in rows if row]
    return tuple(ends) if ends and len(ends) == len(rows) else (result.subject,)


def touches(*nodes: str) -> Where:
    """Whether one end of a cell, or the subject itself, is at one of these nodes."""
    return lambda subject: bool(_places(subject) & frozenset(nodes))


def between(one: str, other: str) -> Where:
    """Cells from one node to the other, or to a target that may be anywhere (a Service), in both directions."""

    def fits(subject: Subject) -> bool:
        places = _places(subject)
        return {one, other} <= places or (bool(places & {one, other}) and not subject.target.startswith(("pod/", "host@", "loopback")))

    return fits


def from_node(node: str) -> Where:
    """Cells whose source is at this node, and the node itself."""
    return lambda subject: subject.source.rpartition("@")[2] == node or (not subject.source and subject.node == node)


def anywhere(subject: Subject) -> bool:
    """Every subject."""
    return True


def _places(subject: Subject) -> frozenset[str]:
    ends = (end.rpartition("@")[2] for end in (subject.source, subject.target) if "@" in end)
    return frozenset(filter(None, (*ends, subject.node)))


def _one_of(id: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(id, pattern) for pattern in patterns)


def _differences(find: Callable[[str], Comparison], name: str, result: Result) -> tuple[Difference, ...]:
    try:
        found = find(name)
    except (Inconclusive, NotApplicable):
        return ()
    return tuple(_difference(found, key, line, result) for key, line in zip(found.differing, found.differences, strict=True))


def _difference(found: Comparison, key: Any, line: str, result: Result) -> Difference:
    told = f"{line} in {found.caption}"
    return Difference(key, found.expected.get(key), found.actual.get(key), found.notes.get(key, ""), told, result)
