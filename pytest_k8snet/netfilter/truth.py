"""Three-valued logic: True, False, and None for what the evidence does not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .packet import Packet

Truth = bool | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a packet is tested: hook (PREROUTING ... POSTROUTING, "" = not known), elements of the ipsets there by name.

    `early`: before connection tracking has looked at the packet, as table raw is.
    """

    hook: str = ""
    sets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    early: bool = False

    def state(self, packet: Packet) -> str:
        """The packet's connection state as rules see it."""
        early = self.early and not packet.settled and packet.state != "UNTRACKED"
        return "INVALID" if early else packet.state

    def connected(self, packet: Packet) -> bool:
        """Whether a connection is known to belong to the packet here."""
        return self.state(packet) not in ("INVALID", "UNTRACKED")


Predicate = Callable[[Packet, Place], Truth]


def unknown(_packet: Packet, _place: Place) -> Truth:
    """The predicate of everything that is not understood."""
    return None


def always(_packet: Packet, _place: Place) -> Truth:
    """The predicate of matches that only count or comment."""
    return True


def inverted(predicate: Predicate) -> Predicate:
    """`!` before an option; unknown stays unknown."""

    def inverse(packet: Packet, place: Place) -> Truth:
        truth = predicate(packet, place)
        return None if truth is None else not truth

    return inverse


def every(truths: Iterable[Truth]) -> Truth:
    """False wins over unknown, unknown over True."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def all_of(predicates: tuple[Predicate, ...]) -> Predicate:
    """All must hold; what follows a False is not asked, as in the kernel."""
    if len(predicates) == 1:
        return predicates[0]

    def test(packet: Packet, place: Place) -> Truth:
        result: Truth = True
        for predicate in predicates:
            truth = predicate(packet, place)
            if truth is False:
                return False
            if truth is None:
                result = None
        return result

    return test
