"""Which source address a packet leaves the node with."""

from __future__ import annotations

from dataclasses import dataclass

from .branch import Branch, Step, Verdict
from .hooks import Worlds
from .journey import Route, journey
from .packet import Packet
from .service import doubt

_TABLES = frozenset({"raw", "mangle", "nat"})  # what filters does not change addresses


@dataclass(frozen=True, slots=True)
class Translation:
    """`kind`: none | masquerade | snat | unknown. `by` is the rule that translates; `address` the new source of snat."""

    kind: str
    address: str = ""
    by: Step | None = None
    trace: tuple[Step, ...] = ()
    why: str = ""  # one sentence with the rule, or with what could not be judged

    def __str__(self) -> str:
        return self.why


def translation(worlds: Worlds, packet: Packet, hook: str = "prerouting", route: Route | None = None) -> Translation:
    """The whole way is walked, since a mark set early may decide late; the filter tables are left out.

    A packet that the other tables drop has no source to speak of: unknown. So has one that is translated at random only.
    """
    found = {_outcome(branch): branch for branch in journey(worlds, packet, hook, route, _TABLES)}
    if len(found) > 1:
        branches = tuple(found.values())
        ways = ", ".join(sorted({kind for kind, _ in found}))
        reason = doubt(branches) if any(branch.uncertain for branch in branches) else "by chance"
        return Translation("unknown", "", None, branches[0].steps, f"{packet}: possible are {ways}, {reason}")
    (((kind, address), branch),) = found.items()
    by = branch.by if kind != "none" else None
    return Translation(kind if kind != "dropped" else "unknown", address, by, branch.steps, _why(packet, kind, by))


def _outcome(branch: Branch) -> tuple[str, str]:
    kind = _KINDS.get(branch.verdict, "none")
    return kind, branch.packet.src if kind == "snat" else ""


_KINDS = {
    Verdict.MASQUERADE: "masquerade",
    Verdict.SNAT: "snat",
    Verdict.UNKNOWN: "unknown",
    Verdict.DROP: "dropped",
    Verdict.REJECT: "dropped",
}


def _why(packet: Packet, kind: str, by: Step | None) -> str:
    return f"{packet}: {kind} by {by}" if by else f"{packet}: keeps its source, no rule translates it"
