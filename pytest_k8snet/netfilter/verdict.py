"""Whether forwarded packets get through the node, there and back, chain policies included."""

from __future__ import annotations

from dataclasses import dataclass

from .branch import Branch, Step, Verdict
from .hooks import Worlds, forward
from .packet import Packet
from .service import doubt


@dataclass(frozen=True, slots=True)
class Passage:
    """`kind`: accept | drop | reject | random | unknown. `by` is the deciding rule or policy, None where a policy ACCEPT decides."""

    kind: str
    by: Step | None
    trace: tuple[Step, ...]
    why: str

    def __str__(self) -> str:
        return self.why


def forwarding(worlds: Worlds, packet: Packet) -> Passage:
    """What the FORWARD hook of all worlds does with the packet; both of its interfaces should be known."""
    branches = forward(worlds, packet)
    kinds = {_kind(branch) for branch in branches}
    if len(kinds) == 1:
        return _known(packet, kinds.pop(), branches)
    if any(branch.uncertain for branch in branches):
        return Passage("unknown", None, branches[0].steps, f"{packet}: may be {' or '.join(sorted(kinds))}\n{doubt(branches)}")
    steps = [str(branch.by) for branch in branches if branch.by]
    return Passage("random", branches[0].by, branches[0].steps, f"{packet}: by chance {' or '.join(sorted(kinds))}: " + "; ".join(steps))


def there_and_back(worlds: Worlds, packet: Packet) -> tuple[Passage, Passage]:
    """The first packet of a connection and its reply."""
    return forwarding(worlds, packet), forwarding(worlds, packet.answer())


def _kind(branch: Branch) -> str:
    return branch.verdict.value if not branch.verdict.passes else Verdict.ACCEPT.value


def _known(packet: Packet, kind: str, branches: tuple[Branch, ...]) -> Passage:
    first = branches[0]
    decided = f"by {first.by}" if first.by else "by the policy of FORWARD, no rule decides"
    why = doubt(branches) if kind == "unknown" else decided
    return Passage(kind, first.by, first.steps, f"{packet}: {kind} {why}")
