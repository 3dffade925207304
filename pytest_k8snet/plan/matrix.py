"""The documented reachability matrix as data, and its expansion into one cell per pair of endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action, Family, Probe

from .applies import Answer, evaluate
from .available import RUNNER, Available, role
from .catalogue import read_yaml
from .cellplan import CellPlan, Documented
from .line import Line, parse_line

__all__ = ["CellPlan", "Documented", "Matrix", "load"]

BOUND = 30  # samples per backend before a backend that did not answer is given up
REMOTE = 2  # servers: of two that are on different nodes at least one is remote


@dataclass(frozen=True, slots=True)
class Matrix:
    """`lines` of cells and the raw `resolvers` rows (read by plan/resolver.py), in the order of the file.

    `repeats`: id -> the lines of others that it demands once more, as its own.
    """

    lines: tuple[Line, ...]
    resolver_rows: tuple[Any, ...] = ()
    repeats: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)

    def cells(self, requirement_id: str, inventory: Inventory, available: Available) -> tuple[CellPlan, ...]:
        """All cells of a requirement, always in the same order; without those whose pods the tier does not allow."""
        own = (line for line in self.lines if line.requirement == requirement_id)
        lines = (*own, *self.repeats.get(requirement_id, ()))
        return _merged(plan for line in lines for plan in _expand(line, inventory, available))

    def requirements(self) -> tuple[str, ...]:
        """Ids that have cells, each once."""
        return tuple(dict.fromkeys((*(line.requirement for line in self.lines), *self.repeats)))


def load(path: Path) -> Matrix:
    """Raises UsageProblem naming the line and what is wrong with it."""
    document = read_yaml(path)
    if not isinstance(document, dict) or set(document) - {"lines", "repeats", "resolvers"}:
        raise UsageProblem(f"{path} is no matrix: it holds `lines`, `repeats` and `resolvers`, nothing else")
    lines = tuple(parse_line(row, number) for number, row in enumerate(document.get("lines") or (), 1))
    repeats = {str(row["requirement"]): _repeated(row, lines) for row in document.get("repeats") or ()}
    return Matrix(lines, tuple(document.get("resolvers") or ()), repeats)


def _repeated(row: Mapping[str, Any], lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines of the requirements that `of` names, as lines of this one and in one family. Raises UsageProblem."""
    if unknown := sorted(set(row["of"]) - {line.requirement for line in lines}):
        raise UsageProblem(f"matrix.yaml, repeats of {row['requirement']}: no line of {', '.join(unknown)}")
    wanted = [line for line in lines if line.requirement in row["of"]]
    return tuple(replace(line, requirement=row["requirement"], families=row["family"], reach="") for line in wanted)


def _merged(plans: Iterable[CellPlan]) -> tuple[CellPlan, ...]:
    """One cell for each probe: what several lines document of it, it must show at once."""
    found: dict[Probe, CellPlan] = {}
    for plan in plans:
        known = found.get(plan.probe)
        found[plan.probe] = plan if known is None else _together(known, plan)
    return tuple(found.values())


def _together(one: CellPlan, other: CellPlan) -> CellPlan:
    return replace(one, documented=_both(one.documented, other.documented), doubt=one.doubt or other.doubt)


def _both(one: Documented, other: Documented) -> Documented:
    return replace(one, text=f"{one.text}; {other.text}", source=one.source or other.source)


def _expand(line: Line, inventory: Inventory, available: Available) -> Iterator[CellPlan]:
    alone = line.until == "remote" and len(inventory.nodes) < REMOTE
    applies = evaluate(line.applies, available.values)
    if alone or applies.answer is Answer.NO:
        return
    for action, detail in line.actions:
        for source in _sources(line, inventory):
            for target in _targets(line, source, inventory, available):
                if all(role(end) in available.roles | {""} for end in (source, target)):
                    for family in _families(line, source, target, inventory):
                        yield _plan(line, Probe(action, source, target, detail, family), inventory, applies.reason)


def _plan(line: Line, probe: Probe, inventory: Inventory, doubt: str) -> CellPlan:
    until = {"": 0, "backends": len(inventory.nodes), "remote": REMOTE}[line.until]
    controls = tuple(_controls(line, probe, inventory))
    samples = 1 if probe.action in (Action.BULK, Action.TRACE) else line.samples
    return CellPlan(
        line.requirement, probe, line.documented, line.plane, line.level, line.reach, controls, samples, until, BOUND * until, doubt
    )  # fmt: skip


def _sources(line: Line, inventory: Inventory) -> Iterator[Endpoint]:
    for spelling in line.sources:
        end = Endpoint.parse(spelling)
        if end.kind is EndpointKind.OUTSIDE:
            yield end
        else:
            yield from (Endpoint(end.kind, end.name, node) for node in inventory.names)


def _targets(line: Line, source: Endpoint, inventory: Inventory, available: Available) -> Iterator[Endpoint]:
    if line.where == "self":
        yield source
        return
    for spelling in line.targets:
        end = Endpoint.parse(spelling)
        yield from _named(end, available, inventory) if line.where == "cluster" else _placed(end, line.where, source, inventory)


def _placed(end: Endpoint, where: str, source: Endpoint, inventory: Inventory) -> Iterator[Endpoint]:
    """The endpoint on every node that `where` allows, never the source itself."""
    for node in inventory.names:
        target = Endpoint(end.kind, end.name, node)
        near = node == source.node
        allowed = {"any-node": True, "same-node": near, "other-node": not near, "pair": source.node < node}
        allowed["next-node"] = node == _next(source.node, inventory)
        if allowed[where] and target != source:
            yield target


def _next(node: str, inventory: Inventory) -> str:
    """The node that follows; the first one follows the last. A node alone has none."""
    names = inventory.names
    return names[(names.index(node) + 1) % len(names)] if len(names) > 1 and node in names else ""


def _named(end: Endpoint, available: Available, inventory: Inventory) -> Iterator[Endpoint]:
    """Endpoints without a node; `outside`, `api` and `dns` without a name stand for all there are."""
    if end.kind is EndpointKind.OUTSIDE and not end.name:
        yield from available.targets
    elif end.kind is EndpointKind.API and not end.name:
        names = ("service", *inventory.api_endpoints)
        yield from (Endpoint(EndpointKind.API, name) for name in names)
    elif end.kind is EndpointKind.DNS:
        yield from inventory.dns_servers or (end,)  # a server that nobody knows is not observed, never left out
    else:
        yield end


def _controls(line: Line, probe: Probe, inventory: Inventory) -> Iterator[Probe]:
    """What must be reachable if a cell that is not reached shall mean anything."""
    hosts = [Endpoint(EndpointKind.HOST, "", node) for node in inventory.names]
    match line.control:
        case _ if line.documented.mutual:
            yield Probe(probe.action, probe.target, probe.source, probe.detail, probe.family)
        case "from-host":
            yield Probe(probe.action, Endpoint(EndpointKind.HOST, "", probe.source.node), probe.target, probe.detail, probe.family)
        case "to-host":
            yield Probe(probe.action, probe.source, Endpoint(EndpointKind.HOST, "", probe.target.node), probe.detail, probe.family)
        case "any-host" if probe.target == RUNNER:  # a declared target is the operator's word that it can be reached
            yield from (Probe(probe.action, host, probe.target, probe.detail, probe.family) for host in hosts)


def _families(line: Line, source: Endpoint, target: Endpoint, inventory: Inventory) -> tuple[Family, ...]:
    """The families in which a cell is asked: those of the cluster that the line means and the target has."""
    there = inventory.families or (Family.IPV4,)
    if line.families in tuple(Family):
        there = tuple(family for family in there if family == line.families)
    if source == RUNNER:
        return there[:1]  # whether this process has both families is no matter of the cluster
    match target.kind:
        case EndpointKind.LOOPBACK:  # a NodePort at ::1 answers in no mode of kube-proxy
            return (Family.IPV4,)  # 127.0.0.1 is there in every pod
        case EndpointKind.API if target.name != "service":
            return (Family.of(target.name.rpartition(":")[0]),)
        case EndpointKind.OUTSIDE if target != RUNNER:
            return (Family.IPV6 if "[" in target.name else Family.IPV4,)
        case EndpointKind.DNS if target in inventory.dns_servers:
            return (Family.of(inventory.dns_servers[target]),)
        case EndpointKind.SERVICE if target.name == "kube-dns":
            return (Family.of(inventory.dns_ip),)
        case EndpointKind.POD | EndpointKind.HOST | EndpointKind.SERVICE | EndpointKind.NODE_PORT if line.families != "first":
            return there
    return there[:1]  # one address, of the cluster's first family
