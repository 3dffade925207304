"""A chain that a hook asks about a packet, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .branch import Branch, Verdict
from .packet import Packet

Stage = Callable[[Packet], Iterable[Branch]]
_PRIORITY = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """`table` is the table of iptables whose work the chain does: raw, mangle, nat, filter or security."""

    table: str
    priority: int
    walk: Stage

    @property
    def nat(self) -> bool:
        """Whether it is asked for translations, once per connection."""
        return self.table == "nat"

    def answer(self, packet: Packet) -> tuple[Branch, ...]:
        """An ACCEPT by a rule tells something where packets are filtered only; elsewhere it just ends that table."""
        branches = tuple(self.walk(packet))
        if self.table == "filter":
            return branches
        return tuple(replace(branch, by=None) if branch.verdict is Verdict.ACCEPT else branch for branch in branches)


def priority(table: str, hook: str) -> int:
    """When a table of iptables is asked."""
    if table == "nat":
        return -100 if hook in ("PREROUTING", "OUTPUT") else 100
    return _PRIORITY[table]
