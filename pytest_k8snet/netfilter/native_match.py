"""Which predicate each match of a native nftables rule has. What is not understood is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..parse.nft_expression import Concat, Ct, Expression, Listed, Match, Members, Named, Numgen, Pairs
from .native_lookup import Table, holds, keyed, part, table, values
from .native_names import Domain, interval, number
from .native_value import ABSENT, UNREAD, Source, Value, source
from .packet import Packet
from .truth import Place, Predicate, Truth, inverted, unknown

Sets = Callable[[Named], Members | Pairs | None]
_KNOWN_STATUS = frozenset({"snat", "dnat"})


def predicate(match: Match, sets: Sets) -> Predicate:
    """`sets` gives the elements of a named set."""
    if match.operator == "!=" and isinstance(match.right, Named | Members):
        return _negated(Match("==", match.left, match.right), sets)
    if isinstance(match.right, Named | Members | Pairs):
        return _membership(match.left, match.right, sets)
    if isinstance(match.left, Ct) and match.left.key == "status":
        return _status(match)
    if isinstance(match.left, Concat):
        return _concatenation(match)
    one = source(match.left)
    compare = None if one is UNREAD else _comparison(match.operator, one.domain, match.right)
    return unknown if compare is None else _tested(one, compare)


def share(match: Match) -> float:
    """Probability of a match on `numgen`, long-term share for one in turn. Raises ValueError for what is not understood."""
    numbers = match.left
    if not isinstance(numbers, Numgen) or isinstance(match.right, Named):
        raise ValueError(f"no share: {match}")
    parts = match.right.elements if isinstance(match.right, Members) else (match.right,)
    compare = [_comparison(match.operator, Domain.NUMBER, constant) for constant in parts]
    drawn = range(numbers.offset, numbers.offset + numbers.modulus)
    hits = sum(any(test(value) for test in compare if test is not None) for value in drawn)
    if None in compare or not drawn or (match.operator != "==" and len(parts) > 1):
        raise ValueError(f"no share: {match}")
    return hits / len(drawn)


def _negated(match: Match, sets: Sets) -> Predicate:
    """Not in the set; a packet that lacks what is asked for still does not match."""
    inside, sources = inverted(predicate(match, sets)), keyed(match.left)

    def test(packet: Packet, place: Place) -> Truth:
        return False if values(sources, packet, place) is None else inside(packet, place)

    return test


def _membership(left: Expression, right: Expression, sets: Sets) -> Predicate:
    elements = sets(right) if isinstance(right, Named) else right
    sources = keyed(left)
    if not isinstance(elements, Members | Pairs):
        return unknown
    known: Table = table(sources, elements)
    unread = UNREAD in sources

    def test(packet: Packet, place: Place) -> Truth:
        asked = values(sources, packet, place)
        if asked is None:
            return False
        found = known.find(asked)
        return True if found.certain and not unread else None if found.certain or found.possible else False

    return test


def _status(match: Match) -> Predicate:
    """Only translations are known of a connection's status."""
    words = match.right.parts if isinstance(match.right, Listed) else (match.right,)
    wanted = frozenset(str(word) for word in words)
    if match.operator != "in" or not wanted <= _KNOWN_STATUS:
        return unknown
    bits = frozenset(word.upper() for word in wanted)
    return lambda packet, place: place.connected(packet) and bool(bits & packet.translated)


def _concatenation(match: Match) -> Predicate:
    equal = _membership(match.left, Members((match.right,)), lambda _named: None)
    return {"==": equal, "!=": _negated(Match("==", match.left, Members((match.right,))), lambda _named: None)}.get(match.operator, unknown)


def _comparison(operator: str, domain: Domain, right: Expression) -> Callable[[Value], Truth] | None:
    """A test of a known value; None if the comparison is not understood."""
    if operator in ("==", "!="):
        wanted = part(domain, right)
        if wanted is None:
            return None
        return (lambda value: holds(wanted, value)) if operator == "==" else (lambda value: not holds(wanted, value))
    try:
        limit = number(domain, right) if operator in _ORDERED or operator in _BITS else interval(domain, right)[0]
    except ValueError:
        return None
    compare = _ORDERED.get(operator) or _BITS.get(operator)
    return None if compare is None else lambda value: compare(value, limit) if isinstance(value, int) else None


_ORDERED: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda value, limit: value < limit,
    ">": lambda value, limit: value > limit,
    "<=": lambda value, limit: value <= limit,
    ">=": lambda value, limit: value >= limit,
}
_BITS: Mapping[str, Callable[[int, int], bool]] = {
    "in": lambda value, bits: bool(value & bits),
    "!": lambda value, bits: not value & bits,
}


def _tested(one: Source, compare: Callable[[Value], Truth]) -> Predicate:
    def test(packet: Packet, place: Place) -> Truth:
        value = one.read(packet, place)
        return False if value is ABSENT else None if value is None else compare(value)

    return test
