"""The failure text of a cell, one line: who asked whom at what address, what happened, what is documented by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pytest_k8snet.model.observation import Observation, Outcome, Sample

if TYPE_CHECKING:
    from .cells import Cell

ADDRESS_WORDS = {
    "client": "the client's own",
    "node": "its node's",
    "tunnel": "its node's tunnel",
    "bridge": "its node's bridge",
    "receiver": "the receiving node's",
}

_WHICH = {"backends": "each of ", "among": "one of ", "source": "", "remote": "one of "}


def describe(cell: Cell) -> str:
    """For example `pod/a@n1 (10.4.1.7) > pod/a@n2 at 10.4.2.9:7801 tcp: 0 of 3 samples reached, 3 timeout (1.00 s); documented …`."""
    documented = f"documented: {', '.join(_documented(cell))} - {cell.documented.text} ({cell.documented.by})"
    return f"{_who(cell)}: {', '.join(_happened(cell))}; {documented}"


def _who(cell: Cell) -> str:
    request, probe = cell.observation.request, cell.probe
    own = f" ({cell.source_address})" if cell.source_address else ""
    detail = f" {probe.detail}" if probe.detail else ""
    return f"{cell.source}{own} > {cell.target}{_at(request.get('address'), request.get('port'))} {probe.action}{detail}"


def _at(address: str | None, port: int | None) -> str:
    if not address:
        return ""
    host = f"[{address}]" if ":" in address else address
    return f" at {host}:{port}" if port else f" at {host}"


def _happened(cell: Cell) -> Iterator[str]:
    yield f"{len(cell.observation.reached)} of {len(cell.observation.samples)} samples reached"
    yield from _failures(cell.observation)
    if cell.back is not None:
        yield f"the way back {len(cell.back.reached)} of {len(cell.back.samples)}"
        yield from _failures(cell.back)
    if not cell.observation.reached:
        return
    if cell.documented.hops:
        yield f"by way of {_way(cell.hops)}"
    if cell.documented.dialled:
        yield f"arrived at {_list(cell.arrived)}"
    if cell.documented.source:
        yield f"source seen {_list(cell.source_seen)}"
    if cell.documented.ttl is not None:
        yield f"TTL {_list(map(str, cell.ttl))}"
    if cell.documented.servers:
        yield from _servers(cell)
    if cell.documented.named:
        yield f"by name {_list(cell.named)}"


def _failures(observation: Observation) -> Iterator[str]:
    failed = [sample for sample in observation.samples if sample.outcome is not Outcome.REACHED]
    for kind, count in Counter(map(_kind, failed)).items():
        slowest = max(sample.seconds for sample in failed if _kind(sample) == kind)
        yield f"{count} {kind} ({slowest:.2f} s)"


def _kind(sample: Sample) -> str:
    """The outcome with what makes it specific: who answered instead, who sent the ICMP error, the MTU it named."""
    if sample.outcome is Outcome.WRONG_PEER:
        return f"{sample.outcome}: {_answering(sample)} answered"
    sender = f" from {sample.detail['icmp_from']}" if sample.detail.get("icmp_from") else ""
    mtu = f" with MTU {sample.detail['mtu']}" if sample.detail.get("mtu") and sample.outcome is Outcome.TOO_BIG else ""
    code = f" {sample.reply['rcode']}" if sample.reply.get("rcode") else ""
    return f"{sample.outcome}{code}{sender}{mtu}{_stall(sample)}"


def _answering(sample: Sample) -> str:
    if "sans" in sample.reply:
        return f"a server with a certificate for {_list(map(str, sample.reply['sans']))}"
    return str(sample.reply.get("server") or sample.detail.get("error") or "a stranger")


def _stall(sample: Sample) -> str:
    """How far a bulk transfer came."""
    if "phase" not in sample.detail:
        return ""
    return f" on the way {sample.detail['phase']}" + (f" after {sample.detail['received']} bytes" if "received" in sample.detail else "")


def _servers(cell: Cell) -> Iterator[str]:
    answers = Counter(str(sample.reply.get("server")) for sample in cell.observation.reached)
    yield "answered by " + ", ".join(f"{server} ({count})" for server, count in sorted(answers.items()))
    if cell.documented.servers in ("backends", "source") and (never := cell.expected_servers - cell.servers):
        yield f"never by {_list(never)}"


def _documented(cell: Cell) -> Iterator[str]:
    documented = cell.documented
    yield " or ".join(sorted(documented.outcomes))
    if documented.seconds is not None:
        yield f"within {documented.seconds:g} s"
    if documented.hops:
        yield f"by way of {_way(cell.expected_hops)}"
    if documented.dialled:
        yield f"at {_list(cell.expected_arrived)}"
    if documented.mutual:
        yield "both ways alike"
    if documented.source:
        kinds = " or ".join(ADDRESS_WORDS[kind] for kind in documented.source)
        yield f"source {_list(cell.expected_source)} ({kinds} address)"
    if documented.ttl is not None:
        yield f"TTL {documented.ttl}"
    if documented.servers:
        yield f"by {_WHICH[documented.servers]}{_list(cell.expected_servers)}"
    if documented.named:
        yield f"by name {_list(cell.expected_named)}"


def _way(hops: Iterable[str]) -> str:
    return ", ".join(hop or "a silent router" for hop in hops)


def _list(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "none"
