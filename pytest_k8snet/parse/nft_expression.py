"""Values for the expressions and statements of native nftables rules; `str` of each is written as nft(8) writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Payload:
    """A header field: `ip saddr`, `th dport`."""

    protocol: str
    field: str

    def __str__(self) -> str:
        return f"{self.protocol} {self.field}"


@dataclass(frozen=True, slots=True)
class Meta:
    """What the kernel notes beside the packet: `meta mark`."""

    key: str

    def __str__(self) -> str:
        return f"meta {self.key}"


@dataclass(frozen=True, slots=True)
class Ct:
    """A field of the packet's connection; `direction` is "original", "reply" or ""."""

    key: str
    direction: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, ("ct", self.direction, self.key)))


@dataclass(frozen=True, slots=True)
class Fib:
    """What the routing table says about an address."""

    result: str  # "type" | "oif" | "oifname"
    flags: tuple[str, ...]

    def __str__(self) -> str:
        return f"fib {' . '.join(self.flags)} {self.result}"


@dataclass(frozen=True, slots=True)
class Numgen:
    """A number from `offset` to `offset + modulus - 1`, at random or in turn."""

    mode: str  # "random" | "inc"
    modulus: int
    offset: int = 0

    def __str__(self) -> str:
        return f"numgen {self.mode} mod {self.modulus}" + (f" offset {self.offset}" if self.offset else "")


@dataclass(frozen=True, slots=True)
class Operation:
    """`left & right`, with "|", "^", "<<" and ">>" likewise."""

    operator: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {shown(self.right, self.left)}"


@dataclass(frozen=True, slots=True)
class Concat:
    """Several values as one key: `ip daddr . th dport`."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " . ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Lookup:
    """The value that a map has for a key."""

    key: Expression
    data: Expression

    def __str__(self) -> str:
        return f"{self.key} map {self.data}"


@dataclass(frozen=True, slots=True)
class Prefix:
    """An address range by its common bits."""

    address: str
    length: int

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends belong to it."""

    low: Expression
    high: Expression

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


@dataclass(frozen=True, slots=True)
class Listed:
    """Several bits at once: `new,established`."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Members:
    """An anonymous set."""

    elements: tuple[Expression, ...]

    def __str__(self) -> str:
        return "{ " + ", ".join(map(str, self.elements)) + " }"


@dataclass(frozen=True, slots=True)
class Pairs:
    """An anonymous map."""

    pairs: tuple[tuple[Expression, Expression], ...]

    def __str__(self) -> str:
        return "{ " + ", ".join(f"{key} : {value}" for key, value in self.pairs) + " }"


@dataclass(frozen=True, slots=True)
class Named:
    """A set or map of the table by its name."""

    name: str

    def __str__(self) -> str:
        return f"@{self.name}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """accept, drop, return, continue, or jump and goto with a chain."""

    kind: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.target}".rstrip()


@dataclass(frozen=True, slots=True)
class Opaque:
    """An expression of a kind that is not read; `text` is its JSON."""

    text: str

    def __str__(self) -> str:
        return self.text


Expression = (
    Payload | Meta | Ct | Fib | Numgen | Operation | Concat | Lookup | Prefix | Range | Listed | Members | Pairs | Named | Verdict | Opaque
    | str | int | bool
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """A comparison; operator "in" asks whether any of the bits is set, or is membership in a set."""

    operator: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        sign = "" if self.operator in ("==", "in") and not isinstance(self.left, Operation) else f"{self.operator} "
        return f"{self.left} {sign}{shown(self.right, self.left)}"


@dataclass(frozen=True, slots=True)
class VerdictMap:
    """A verdict by the value of a key."""

    key: Expression
    data: Expression

    def __str__(self) -> str:
        return f"{self.key} vmap {self.data}"


@dataclass(frozen=True, slots=True)
class Mangle:
    """A field of the packet, its mark or its connection gets a value."""

    key: Expression
    value: Expression

    def __str__(self) -> str:
        return f"{self.key} set {shown(self.value, self.key)}"


@dataclass(frozen=True, slots=True)
class Translate:
    """snat, dnat, masquerade, redirect."""

    kind: str
    address: Expression | None = None
    port: Expression | None = None
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        to = f" to {self.address if self.address is not None else ''}" if (self.address, self.port) != (None, None) else ""
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.kind}{to}{port}" + (f" {','.join(self.flags)}" if self.flags else "")


@dataclass(frozen=True, slots=True)
class Reject:
    """reject; `kind` is "" (the family's usual ICMP error), "icmp", "icmpx", "icmpv6" or "tcp reset"."""

    kind: str = ""

    def __str__(self) -> str:
        return "reject" + (f" with {self.kind}" if self.kind == "tcp reset" else "")


@dataclass(frozen=True, slots=True)
class Update:
    """An element is added to a set, renewed in it or deleted; `limited` if the rule goes on only below or above a rate."""

    operation: str
    name: str
    element: Expression
    limited: bool = False

    def __str__(self) -> str:
        return f"{self.operation} @{self.name} {{ {self.element} }}"


@dataclass(frozen=True, slots=True)
class Plain:
    """A statement known by its name only: counter, log, limit, notrack, queue ...; `text` is its body as JSON."""

    kind: str
    text: str = ""

    def __str__(self) -> str:
        return self.kind if self.kind in ("counter", "notrack", "log") else f"{self.kind} {self.text}".rstrip()


Statement = Match | Verdict | VerdictMap | Mangle | Translate | Reject | Update | Plain


def shown(value: Any, beside: Any) -> str:
    """A value as nft writes it beside what it is compared with: marks in hex."""
    marked = "mark" in str(beside)
    return f"{value:#010x}" if marked and isinstance(value, int) else str(value)
