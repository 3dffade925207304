"""The order in which sources probe: source i starts at target i, so that no target is asked by everybody at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.probe import Probe


def by_source(probes: Iterable[Probe]) -> Mapping[Endpoint, tuple[Probe, ...]]:
    """Each probe once, grouped by source and rotated: source number i begins with its i-th share of the targets."""
    groups: dict[Endpoint, list[Probe]] = defaultdict(list)
    for probe in sorted(set(probes)):
        groups[probe.source].append(probe)
    sources = sorted(groups)
    return {source: _rotate(groups[source], number, len(sources)) for number, source in enumerate(sources)}


def _rotate(probes: Sequence[Probe], number: int, count: int) -> tuple[Probe, ...]:
    start = number * len(probes) // count
    return tuple(probes[start:]) + tuple(probes[:start])
