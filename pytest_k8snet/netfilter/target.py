"""What each target of iptables does to a packet. What is not in these tables is unknown and ends the walk.

Semantics: iptables(8), iptables-extensions(8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ..parse.ruleset import Option, Rule
from .packet import Packet, parsed
from .truth import Place

Change = Callable[[Packet, Place], Packet | None]


class Kind(StrEnum):
    """How a matched rule goes on."""

    CONTINUE = "continue"
    JUMP = "jump"
    GOTO = "goto"
    RETURN = "return"
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    DNAT = "dnat"
    SNAT = "snat"
    MASQUERADE = "masquerade"
    CHOOSE = "choose"  # a map decides
    MISS = "miss"  # the map holds nothing for the packet
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Action:
    """`change` gives the packet that goes on, or None when the change is not known; `chain` is where a jump leads."""

    kind: Kind
    chain: str = ""
    change: Change | None = None
    choose: Callable[[Packet, Place], Choice] | None = None

    @property
    def harmless(self) -> bool:
        """Whether it makes no difference if the rule matched."""
        return self.kind is Kind.CONTINUE and self.change is None


@dataclass(frozen=True, slots=True)
class Choice:
    """The actions between which a map chooses, each with its share; `missed` is the share of packets that the map has nothing for.

    If it is not certain, any of the ways may be taken, and none where `missed` is not 0.
    """

    ways: tuple[tuple[float, Action], ...] = ()
    missed: float = 0.0
    certain: bool = True


_WITHOUT_EFFECT = frozenset({
    "", "LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "CHECKSUM", "TCPMSS", "TCPOPTSTRIP", "DSCP", "TOS", "ECN", "CLASSIFY", "IDLETIMER",
    "RATEEST", "SECMARK", "CONNSECMARK", "TEE", "SET", "LED", "ACCOUNT",
})  # fmt: skip
_VERDICTS = {"ACCEPT": Kind.ACCEPT, "DROP": Kind.DROP, "REJECT": Kind.REJECT, "RETURN": Kind.RETURN}


def action(rule: Rule, chains: Mapping[str, object]) -> Action:
    """What the rule does when it matches; `chains` are those of its table."""
    if rule.target in _VERDICTS:
        return Action(_VERDICTS[rule.target])
    if rule.target in chains:
        return Action(Kind.GOTO if rule.goto else Kind.JUMP, rule.target)
    if rule.target in _WITHOUT_EFFECT and not any(option.name == "" for option in rule.target_options):
        return Action(Kind.CONTINUE)
    try:
        factory, allowed = _EXTENSIONS[rule.target]
        options = {option.name: option for option in rule.target_options}
        known = len(options) == len(rule.target_options) and set(options) <= allowed and all(map(_complete, rule.target_options))
        return factory(options) if known else Action(Kind.UNKNOWN)
    except (KeyError, ValueError, IndexError):
        return Action(Kind.UNKNOWN)


def _complete(option: Option) -> bool:
    return len(option.args) == (option.name not in _FLAGS) and not option.negated


def _mark(options: dict[str, Option]) -> Action:
    ((name, option),) = options.items()
    value, mask = _value_mask(option.value)
    clear, flip = {
        "set-xmark": (mask, value), "set-mark": (mask | value, value), "or-mark": (value, value),
        "and-mark": (0xFFFFFFFF ^ value, 0), "xor-mark": (0, value),
    }[name]  # fmt: skip

    def change(packet: Packet, _place: Place) -> Packet:
        if packet.mark is None and clear != 0xFFFFFFFF:
            return packet
        return replace(packet, mark=((packet.mark or 0) & ~clear & 0xFFFFFFFF) ^ flip)

    return Action(Kind.CONTINUE, change=change)


def _value_mask(text: str) -> tuple[int, int]:
    value, _, mask = text.partition("/")
    return int(value, 0), int(mask, 0) if mask else 0xFFFFFFFF


def _connmark(options: dict[str, Option]) -> Action:
    masks = [int(options[name].value, 0) if name in options else 0xFFFFFFFF for name in ("nfmask", "ctmask")]
    if not {"save-mark", "restore-mark"} & set(options):
        return _set_connmark(options)
    nfmask, ctmask = masks
    if "save-mark" in options:
        return Action(Kind.CONTINUE, change=_copy("mark", "connmark", nfmask, ctmask))
    return Action(Kind.CONTINUE, change=_copy("connmark", "mark", ctmask, nfmask))


def _copy(source: str, target: str, read: int, write: int) -> Change:
    """target = (target & ~write) ^ (source & read); a packet without connection keeps its mark."""

    def change(packet: Packet, place: Place) -> Packet:
        if not place.connected(packet):
            return packet
        one, other = getattr(packet, source), getattr(packet, target)
        new = None if one is None or other is None else (other & ~write & 0xFFFFFFFF) ^ (one & read)
        return replace(packet, mark=new) if target == "mark" else replace(packet, connmark=new)

    return change


def _set_connmark(options: dict[str, Option]) -> Action:
    inner = _mark({name: option for name, option in options.items() if name not in ("nfmask", "ctmask")}).change
    assert inner is not None

    def change(packet: Packet, place: Place) -> Packet:
        changed = inner(replace(packet, mark=packet.connmark), place)
        return replace(packet, connmark=changed.mark) if place.connected(packet) and changed else packet

    return Action(Kind.CONTINUE, change=change)


def _notrack(options: dict[str, Option]) -> Action:
    return Action(Kind.CONTINUE, change=lambda packet, _place: replace(packet, state="UNTRACKED"))


def _ct(options: dict[str, Option]) -> Action:
    return _notrack(options) if "notrack" in options else Action(Kind.CONTINUE)


def _dnat(options: dict[str, Option]) -> Action:
    address, port = _destination(options["to-destination"].value)
    return Action(Kind.DNAT, change=lambda packet, _place: to_destination(packet, address or packet.dst, port))


def to_destination(packet: Packet, address: str, port: int | None) -> Packet:
    """The first packet of a connection after DNAT; a DNAT to where it goes anyway leaves no trace in its connection."""
    new_port = packet.dport if port is None else port
    if (address, new_port) == (packet.dst, packet.dport):
        return packet
    return replace(
        packet, dst=address, dport=new_port, translated=packet.translated | {"DNAT"},
        original_dst=packet.original_dst or packet.dst, original_dport=packet.original_dport or packet.dport,
    )  # fmt: skip


def _destination(text: str) -> tuple[str, int | None]:
    """Address and port of --to-destination; a range raises ValueError, since the kernel then chooses."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") > 1:
        address, port = text, ""
    else:
        address, _, port = text.partition(":")
    if address:
        parsed(address)
    return address, int(port) if port else None


def _redirect(options: dict[str, Option]) -> Action:
    port = int(options["to-ports"].value) if "to-ports" in options else None
    return Action(Kind.DNAT, change=lambda packet, place: redirected(packet, place, port))


def redirected(packet: Packet, place: Place, port: int | None) -> Packet | None:
    """To the node itself: its loopback address for its own packets, else the first address of the device, which is not known."""
    loopback = "::1" if ":" in packet.dst else "127.0.0.1"
    return to_destination(packet, loopback, port) if place.hook == "OUTPUT" else None


def _snat(options: dict[str, Option]) -> Action:
    address, port = _destination(options["to-source"].value)
    if not address:
        raise ValueError(options["to-source"].value)

    return Action(Kind.SNAT, change=lambda packet, _place: to_source(packet, address, port))


def to_source(packet: Packet, address: str, port: int | None) -> Packet:
    """The first packet of a connection after SNAT."""
    if address == packet.src and port in (None, packet.sport):
        return packet
    sport = port if port is not None else packet.sport
    return replace(
        packet, src=address, sport=sport, translated=packet.translated | {"SNAT"}, original_src=packet.original_src or packet.src
    )


def _masquerade(_options: dict[str, Option]) -> Action:
    return Action(Kind.MASQUERADE, change=lambda packet, _place: packet)


_SET = {"set-xmark", "set-mark", "or-mark", "and-mark", "xor-mark"}
_FLAGS = {"random", "random-fully", "persistent", "save-mark", "restore-mark", "notrack"}
_LOOSE = {"random", "random-fully", "persistent"}
_EXTENSIONS: dict[str, tuple[Callable[[dict[str, Option]], Action], set[str]]] = {  # with the options that are understood
    "MARK": (_mark, _SET),
    "CONNMARK": (_connmark, _SET | {"save-mark", "restore-mark", "nfmask", "ctmask"}),
    "NOTRACK": (_notrack, set()),
    "CT": (_ct, {"notrack", "helper", "timeout", "ctevents", "expevents", "zone", "zone-orig", "zone-reply"}),
    "DNAT": (_dnat, {"to-destination"} | _LOOSE),
    "REDIRECT": (_redirect, {"to-ports"} | _LOOSE),
    "SNAT": (_snat, {"to-source"} | _LOOSE),
    "MASQUERADE": (_masquerade, {"to-ports"} | _LOOSE),
}
