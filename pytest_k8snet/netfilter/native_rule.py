"""A native rule as lines that the walker takes one after the other: tests, then what happens.

Statements run in order: a mark that is set before a match that fails stays set. Semantics: nft(8), and the kernel's nft_do_chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

from ..parse.nft import NftRule
from ..parse.nft_expression import (
    Ct,
    Expression,
    Lookup,
    Mangle,
    Match,
    Members,
    Meta,
    Named,
    Numgen,
    Pairs,
    Payload,
    Plain,
    Reject,
    Statement,
    Translate,
    Update,
    Verdict,
    VerdictMap,
)
from .line import Line
from .native_lookup import keyed, table, values
from .native_match import Sets, predicate, share
from .native_names import Domain
from .native_translate import translation
from .native_value import ABSENT, Source, constant_or_source
from .packet import Packet
from .target import Action, Change, Choice, Kind
from .truth import Place, Predicate, Truth, all_of, always, unknown

_KINDS = {
    "accept": Kind.ACCEPT, "drop": Kind.DROP, "return": Kind.RETURN, "continue": Kind.CONTINUE, "jump": Kind.JUMP, "goto": Kind.GOTO,
}  # fmt: skip
_NO_EFFECT = frozenset({
    "counter", "log", "comment", "dup", "flow", "secmark", "ct helper", "ct timeout", "ct expectation", "tunnel", "last", "meter-empty",
})  # fmt: skip
_SOMETIMES = frozenset({"limit", "quota", "ct count", "meter"})
MOST_WAYS = 32  # of a map whose key is not known, that are followed
_UNKNOWN = Action(Kind.UNKNOWN)
_CONTINUE = Action(Kind.CONTINUE)
_UNSEEN_META = frozenset({"nftrace", "priority", "rtclassid", "secmark"})
_UNSEEN_CT = frozenset({"zone", "label", "event", "helper", "secmark"})
_UNSEEN_FIELDS = frozenset({"dscp", "ecn", "ttl", "hoplimit", "flowlabel", "checksum", "id"})


@dataclass(slots=True)
class _Writer:
    """Collects tests until something happens."""

    rule: NftRule
    sets: Sets
    lines: list[Line] = field(default_factory=list)
    tests: list[Predicate] = field(default_factory=list)
    chance: float = 1.0

    def act(self, action: Action) -> None:
        test = all_of(tuple(self.tests)) if self.tests else always
        self.lines.append(Line(self.rule, test if self.chance > 0 else _never, self.chance, action))
        self.tests, self.chance = [], 1.0

    def take(self, statement: Statement) -> None:
        if isinstance(statement, Match):
            self.match(statement)
        elif isinstance(statement, Plain):
            self.plain(statement)
        elif isinstance(statement, Update):
            self.tests += [unknown] * statement.limited
        elif isinstance(statement, Mangle):
            self.mangle(statement)
        else:
            self.act(_action(statement, self.sets))

    def match(self, match: Match) -> None:
        if not isinstance(match.left, Numgen):
            self.tests.append(predicate(match, self.sets))
            return
        try:
            self.chance *= share(match)
        except ValueError:
            self.tests.append(unknown)

    def plain(self, statement: Plain) -> None:
        if statement.kind in _SOMETIMES:
            self.tests.append(unknown)
        elif statement.kind == "notrack":
            self.act(Action(Kind.CONTINUE, change=_untracked))
        elif statement.kind == "xt":
            self.extension(statement.text)
        elif statement.kind not in _NO_EFFECT:
            self.act(_UNKNOWN)

    def extension(self, text: str) -> None:
        """A match or target of iptables, of which nft shows the name only."""
        if '"name": "comment"' in text:
            return
        if '"type": "match"' in text:
            self.tests.append(unknown)
        else:
            self.act(_UNKNOWN)

    def mangle(self, statement: Mangle) -> None:
        key = statement.key
        if not isinstance(key, Meta | Ct) or key.key != "mark":
            if not _unseen(key):
                self.act(_UNKNOWN)
            return
        if isinstance(statement.value, Lookup):
            self.tests.append(unknown)  # a key that the map lacks ends the rule
        read = constant_or_source(statement.value, Domain.NUMBER)
        self.tests.append(lambda packet, place: read(packet, place) is not ABSENT)
        self.act(Action(Kind.CONTINUE, change=_marked(key, lambda packet, place: _number(read(packet, place)))))


def lines(rule: NftRule, sets: Sets) -> tuple[Line, ...]:
    """Raises nothing: what is not understood is unknown, for this rule alone."""
    writer = _Writer(rule, sets)
    for statement in rule.statements:
        writer.take(statement)
    if writer.tests or not writer.lines:
        writer.act(_CONTINUE)
    count = len(writer.lines)
    return tuple(replace(line, span=count - index) for index, line in enumerate(writer.lines))


def _never(_packet: Packet, _place: Place) -> Truth:
    return False


def _action(statement: Statement, sets: Sets) -> Action:
    if isinstance(statement, Verdict):
        return _verdict(statement)
    if isinstance(statement, Reject):
        return Action(Kind.REJECT)
    if isinstance(statement, VerdictMap):
        return _chosen(statement.key, statement.data, sets, lambda value: _verdict(value) if isinstance(value, Verdict) else _UNKNOWN)
    if not isinstance(statement, Translate):
        return _UNKNOWN
    to = statement.address
    if isinstance(to, Lookup):
        return _chosen(to.key, to.data, sets, lambda value: translation(replace(statement, address=value)))
    if isinstance(statement.port, Lookup):
        return _UNKNOWN
    return translation(statement)


def _verdict(verdict: Verdict) -> Action:
    return Action(_KINDS[verdict.kind], verdict.target)


def _chosen(key: Expression, data: Expression, sets: Sets, act: Callable[[Expression], Action]) -> Action:
    """An action by the value of a key."""
    elements = sets(data) if isinstance(data, Named) else data
    if not isinstance(elements, Members | Pairs):
        return _UNKNOWN
    made = cache(act)
    if isinstance(key, Numgen):
        drawn = _drawn(key, elements, made)
        return Action(Kind.CHOOSE, choose=lambda _packet, _place: drawn)
    sources = keyed(key)
    known = table(sources, elements)

    def choose(packet: Packet, place: Place) -> Choice:
        asked = values(sources, packet, place)
        if asked is None:
            return Choice(missed=1.0)
        found = known.find(asked)
        if found.possible:
            return _possible([made(value) for value in found.possible])
        return Choice(tuple((1.0, made(value)) for value in found.certain), missed=0.0 if found.certain else 1.0)

    return Action(Kind.CHOOSE, choose=choose)


def _drawn(key: Numgen, elements: Members | Pairs, made: Callable[[Expression], Action]) -> Choice:
    """Every number is as likely as the others; those that the map lacks end the rule."""
    known = table((Source(Domain.NUMBER, _nothing),), elements)
    found = [known.find((value,)) for value in range(key.offset, key.offset + key.modulus)]
    counts = Counter(one.certain[0] for one in found if one.certain)
    total = max(key.modulus, 1)
    return Choice(
        tuple((count / total, made(value)) for value, count in counts.items()), missed=sum(not one.certain for one in found) / total
    )


def _possible(actions: list[Action]) -> Choice:
    """What may be chosen where a part of the key is not known."""
    ways = actions if len(actions) <= MOST_WAYS else [_UNKNOWN]
    return Choice(tuple((1.0, action) for action in ways), missed=1.0, certain=False)


def _nothing(_packet: Packet, _place: Place) -> None:
    return None


def _unseen(key: Expression) -> bool:
    """Whether nobody who decides about packets reads what is set."""
    if isinstance(key, Meta):
        return key.key in _UNSEEN_META
    if isinstance(key, Ct):
        return key.key in _UNSEEN_CT
    return key.field in _UNSEEN_FIELDS if isinstance(key, Payload) else "tcp option" in str(key)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _marked(key: Meta | Ct, read: Callable[[Packet, Place], int | None]) -> Change:
    if isinstance(key, Meta):
        return lambda packet, place: replace(packet, mark=read(packet, place))
    return lambda packet, place: replace(packet, connmark=read(packet, place)) if place.connected(packet) else packet


def _untracked(packet: Packet, place: Place) -> Packet:
    """A packet that has a connection already keeps it."""
    return packet if place.connected(packet) else replace(packet, state="UNTRACKED")
