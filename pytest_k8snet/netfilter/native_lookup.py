"""Sets and maps of nftables: whether a key is in one, and what it maps to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..parse.nft_expression import Concat, Expression, Members, Pairs
from .native_names import Domain, Interval, interval
from .native_value import ABSENT, Source, Value, source
from .packet import Packet
from .truth import Place, Truth, every

Test = Interval | str | None  # an interval of numbers, the name of a device, or None = cannot be read
Key = tuple[int | str, ...]


def holds(test: Test, value: Value) -> Truth:
    """Whether a value lies in one part of an element."""
    if test is None or value is None:
        return None
    if isinstance(test, str):
        return isinstance(value, str) and (value.startswith(test[:-1]) if test.endswith("*") else value == test)
    return isinstance(value, int) and test[0] <= value <= test[1]


def part(domain: Domain, constant: Expression) -> Test:
    """One part of an element; "*" is any."""
    if domain is Domain.INTERFACE:
        return constant if isinstance(constant, str) else None
    if constant == "*":
        return 0, 1 << 128
    try:
        return interval(domain, constant)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """What a lookup gave: the elements that match for certain (one at most), and those that may."""

    certain: tuple[Expression, ...] = ()
    possible: tuple[Expression, ...] = ()


@dataclass(slots=True)
class Table:
    """The elements of a set or map: `exact` ones by their key, all others one by one. In a set every element maps to True."""

    exact: dict[Key, Expression] = field(default_factory=dict)
    loose: list[tuple[tuple[Test, ...], Expression]] = field(default_factory=list)

    def find(self, values: Sequence[Value]) -> Found:
        """The elements that hold these values; a part that is not known may be anything."""
        if None not in values:
            known = self.exact.get(tuple(value for value in values if isinstance(value, int | str)))
            return Found((known,)) if known is not None else self._among(values, self.loose)
        exact = ((tuple(_exactly(word) for word in key), value) for key, value in self.exact.items())
        return self._among(values, [*exact, *self.loose])

    @staticmethod
    def _among(values: Sequence[Value], entries: Iterable[tuple[tuple[Test, ...], Expression]]) -> Found:
        possible = []
        for tests, mapped in entries:
            truth = every(holds(test, value) for test, value in zip(tests, values, strict=True)) if len(tests) == len(values) else None
            if truth is True:
                return Found((mapped,))
            if truth is None:
                possible.append(mapped)
        return Found((), tuple(possible))


def _exactly(word: int | str) -> Test:
    return word if isinstance(word, str) else (word, word)


def keyed(expression: Expression) -> tuple[Source, ...]:
    """The readers of a key, one for each of its parts."""
    parts = expression.parts if isinstance(expression, Concat) else (expression,)
    return tuple(map(source, parts))


def table(sources: Sequence[Source], elements: Members | Pairs) -> Table:
    """The elements, read as values of these sources."""
    pairs = elements.pairs if isinstance(elements, Pairs) else tuple((element, True) for element in elements.elements)
    made = Table()
    for key, mapped in pairs:
        constants = key.parts if isinstance(key, Concat) else (key,)
        if key == "*":
            tests: tuple[Test, ...] = tuple((0, 1 << 128) for _ in sources)
        elif len(constants) != len(sources):
            tests = (None,)
        else:
            tests = tuple(part(one.domain, constant) for one, constant in zip(sources, constants, strict=True))
        _add(made, tests, mapped)
    made.loose.sort(key=_wide)
    return made


def _add(made: Table, tests: tuple[Test, ...], mapped: Expression) -> None:
    exact = [_single(test) for test in tests]
    if None in exact:
        made.loose.append((tests, mapped))
    else:
        made.exact[tuple(word for word in exact if word is not None)] = mapped


def _single(test: Test) -> int | str | None:
    if isinstance(test, str):
        return None if test.endswith("*") else test
    return test[0] if test is not None and test[0] == test[1] else None


def _wide(entry: tuple[tuple[Test, ...], Expression]) -> bool:
    """The element for everything else comes last."""
    return all(test == (0, 1 << 128) for test in entry[0])


def values(sources: Sequence[Source], packet: Packet, place: Place) -> tuple[Value, ...] | None:
    """What the packet has for a key; None when it lacks a part, so that the rule does not match."""
    read = tuple(one.read(packet, place) for one in sources)
    return None if ABSENT in read else read
