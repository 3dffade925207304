"""Where a packet to a Service ends."""

from __future__ import annotations

from dataclasses import dataclass

from .branch import Branch, Verdict
from .hooks import Worlds
from .journey import Route, journey
from .packet import Packet

End = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The rules do not tell; `why` cites what could not be judged, `branches` hold everything that was found."""

    why: str
    branches: tuple[Branch, ...] = ()


def endpoints(worlds: Worlds, packet: Packet, hook: str = "prerouting", route: Route | None = None) -> dict[End | None, float] | Unknown:
    """(address, port) -> probability for the first packet of a fresh client; None stands for "no rule translates it".

    Packets that are dropped or rejected end nowhere and are missing, so the probabilities may add up to less than 1; `{}` means
    that none gets through.
    """
    branches = journey(worlds, packet, hook, route)
    if any(branch.uncertain for branch in branches):
        return _agreed(packet, branches)
    ends: dict[End | None, float] = {}
    for branch in branches:
        if branch.verdict.passes:
            end = _end(packet, branch)
            ends[end] = ends.get(end, 0.0) + branch.probability
    return ends


def _end(asked: Packet, branch: Branch) -> End | None:
    end = branch.packet.dst, branch.packet.dport
    return None if end == (asked.dst, asked.dport) else end


def _agreed(packet: Packet, branches: tuple[Branch, ...]) -> dict[End | None, float] | Unknown:
    """Uncertain branches still tell something when every one of them ends at the same place."""
    ends = {_end(packet, branch) if branch.verdict.passes else branch.verdict for branch in branches}
    if len(ends) == 1:
        (end,) = ends
        if isinstance(end, Verdict):
            return Unknown(doubt(branches), branches) if end is Verdict.UNKNOWN else {}
        return {end: 1.0}
    return Unknown(doubt(branches), branches)


def doubt(branches: tuple[Branch, ...]) -> str:
    """The steps that could not be judged, one line each."""
    steps = [step for branch in branches if branch.uncertain for step in branch.steps if step.matched is None]
    ends = [branch.by for branch in branches if branch.verdict is Verdict.UNKNOWN]
    return "\n".join(dict.fromkeys(str(step) for step in (*steps, *ends) if step)) or "the rules do not tell"
