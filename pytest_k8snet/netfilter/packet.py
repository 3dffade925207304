"""A sample packet: what the rules are asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet at one node. None means unknown; a match that asks for it is then unknown.

    Interfaces: "" is unknown too where the hook has such a device (a forwarded packet has both).
    `local` holds the node's own addresses; None if they are not known. 127.0.0.0/8 and ::1 are always local.
    """

    src: str
    dst: str
    protocol: str = "tcp"  # tcp | udp | icmp | icmpv6 | sctp | a protocol number
    sport: int | None = None
    dport: int | None = None
    in_iface: str = ""
    out_iface: str = ""
    mark: int | None = 0
    state: str = "NEW"  # NEW | ESTABLISHED | RELATED | INVALID | UNTRACKED
    local: frozenset[str] | None = None
    translated: frozenset[str] = frozenset()  # of its connection so far: "DNAT", "SNAT"
    connmark: int | None = 0
    reply: bool = False  # travels against the direction of the first packet
    original_src: str = ""  # of the connection's first packet before any NAT, "" = as `src`; likewise the next two
    original_dst: str = ""
    original_dport: int | None = None
    icmp_type: tuple[int, int] | None = None  # type and code; None: an echo request if NEW, else unknown
    bridge_in: str | None = None  # bridge port it entered by, "" = none
    bridge_out: str | None = None
    recent: bool | None = False  # whether a `recent` list already holds the sender; False asks about a fresh client
    settled: frozenset[str] = frozenset()  # sides whose NAT is decided: "dst", "src"

    @property
    def tracked(self) -> bool:
        """Whether a connection belongs to it."""
        return self.state not in ("INVALID", "UNTRACKED")

    def answer(self) -> Packet:
        """The reply as the same node forwards it, before its translation is undone at that node.

        A reply to what has no connection begins its own with UDP; a SYN+ACK or an echo reply out of nothing is INVALID.
        """
        back = replace(
            self, src=self.dst, dst=self.src, sport=self.dport, dport=self.sport, in_iface=self.out_iface, out_iface=self.in_iface,
            mark=0, icmp_type=(0, 0) if self.protocol == "icmp" else None, bridge_in=self.bridge_out, bridge_out=self.bridge_in,
        )  # fmt: skip
        if not self.tracked:
            state = "INVALID" if self.protocol == "tcp" or self.protocol.startswith("icmp") else "NEW"
            return replace(back, state=state, connmark=0, translated=frozenset(), settled=frozenset())
        return replace(
            back, state="ESTABLISHED", reply=True, original_src=self.original_src or self.src,
            original_dst=self.original_dst or self.dst, original_dport=self.original_dport or self.dport,
        )  # fmt: skip

    def __str__(self) -> str:
        ends = f"{_end(self.src, self.sport)} > {_end(self.dst, self.dport)} {self.protocol}"
        return ends + (f" mark {self.mark:#x}" if self.mark else "")


def _end(address: str, port: int | None) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@lru_cache(maxsize=65536)
def parsed(address: str) -> Address:
    """The address as a number with a family. Raises ValueError."""
    return ip_address(address)


def is_local(packet: Packet, address: str) -> bool | None:
    """Whether the node owns the address; None when its addresses are not known."""
    if parsed(address).is_loopback:
        return True
    return None if packet.local is None else address in packet.local
