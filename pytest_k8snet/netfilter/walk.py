"""A packet walked through one chain of one dump, as the kernel would do it.

Rules in order; user chains by -j (with return) and -g (without); base chains end in their policy. A `statistic` match splits the
walk by its probability. A match that cannot be judged is tried both ways: if both ways say the same, nothing is lost; otherwise
the branches are uncertain. Nothing unknown ever counts as true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from ..parse.ruleset import Chain, Rule, Ruleset, Table
from .branch import Branch, Step, Verdict, either, merge
from .connection import chance
from .match import predicate
from .packet import Packet
from .target import Action, Kind, action
from .truth import Place, Predicate, Truth, all_of, always, unknown

HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
MOST_STEPS = 50_000  # matched rules in one walk; more means a loop, which the kernel would have refused
MOST_GUESSES = 500  # places where a match was unknown
MOST_TRACE = 1000  # rules that one packet matches
MOST_DEPTH = 150  # nested guesses
MOST_JUMPS = 150  # nested jumps


@dataclass(frozen=True, slots=True)
class _Line:
    """A rule ready to be asked."""

    rule: Rule
    test: Predicate
    chance: float
    action: Action


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    chain: Chain
    lines: tuple[_Line, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a walk stands: in a chain before the line at `at`, and where it goes on afterwards."""

    lines: _Lines
    at: int
    after: _Frame | None
    depth: int = 0  # of jumps

    @property
    def next(self) -> _Frame:
        return _Frame(self.lines, self.at + 1, self.after, self.depth)

    @property
    def left(self) -> _Frame:
        """After RETURN: behind the jump, or at the end of the first chain."""
        return self.after or _Frame(self.lines, len(self.lines.lines), None)

    def enter(self, lines: _Lines, goto: bool) -> _Frame:
        if self.depth >= MOST_JUMPS:
            raise _Endless
        return _Frame(lines, 0, self.left if goto else self.next, self.depth + (not goto))


class _Endless(Exception):
    """The walk took more steps than any loadable rule set can."""


_READY: WeakKeyDictionary[Ruleset, dict[tuple[str, str], _Lines]] = WeakKeyDictionary()


def walk(
    ruleset: Ruleset, table: str, chain: str, packet: Packet, sets: Mapping[str, frozenset[str]] | None = None, world: str = ""
) -> tuple[Branch, ...]:
    """Every branch through `chain`, which may be a user chain (its end is the verdict "return"; hook "" = interfaces unknown if "").

    A table or chain that does not exist accepts. A table that its tool could not show is unknown. Certain probabilities add up to 1.
    """
    if table in ruleset.opaque:
        step = Step(world, table, chain, remark=ruleset.opaque[table])
        return (Branch(Verdict.UNKNOWN, packet, 1.0, True, (step,), step),)
    found = ruleset.chain(table, chain)
    if found is None:
        return (Branch(Verdict.ACCEPT, packet),)
    place = Place(chain if chain in HOOKS else "", sets or {}, table)
    return tuple(_Walk(ruleset, ruleset.tables[table], place, world).run(chain, packet))


@dataclass(slots=True)
class _Walk:
    ruleset: Ruleset
    table: Table
    place: Place
    world: str
    taken: int = 0
    guesses: dict[tuple[_Frame, Packet], list[Branch]] = field(default_factory=dict)

    def run(self, chain: str, packet: Packet) -> list[Branch]:
        try:
            return merge(self.follow(_Frame(self.lines(chain), 0, None), packet, (), 0))
        except _Endless:
            step = Step(
                self.world, self.table.name, chain, remark="has more ways through it than can be walked (a loop, or too many unknown rules)"
            )
            return [Branch(Verdict.UNKNOWN, packet, 1.0, True, (step,), step)]

    def follow(self, start: _Frame | None, packet: Packet, steps: tuple[Step, ...], depth: int) -> list[Branch]:
        """All branches from a place on; their steps begin with `steps`."""
        frame, share, branches = start, 1.0, list[Branch]()
        while frame is not None:
            if frame.at == len(frame.lines.lines):
                if frame.after is None:
                    return [*branches, _shared(self.end(frame.lines.chain, packet, steps), share)]
                frame = frame.after
                continue
            line = frame.lines.lines[frame.at]
            truth = line.test(packet, self.place)
            if truth is False or (truth is None and line.action.harmless):
                frame = frame.next
                continue
            self.count(depth, len(steps))
            if truth is None:
                return branches + [_shared(branch, share) for branch in self.guess(line, frame, packet, steps, depth + 1)]
            if line.chance < 1 and not line.action.harmless:
                taken = self.take(line, frame, packet, steps, True, depth + 1)
                branches += [_shared(branch, share * line.chance) for branch in taken]
                share, frame = share * (1 - line.chance), frame.next
                continue
            moved = self.move(line, frame, packet, (*steps, self.step(line, True)))
            if isinstance(moved, Branch):
                return [*branches, _shared(moved, share)]
            frame, packet, steps = moved
        return branches

    def guess(self, line: _Line, frame: _Frame, packet: Packet, steps: tuple[Step, ...], depth: int) -> list[Branch]:
        """Both ways of a match that is unknown; remembered, since several guesses may lead to the same place."""
        key = frame, packet
        if key not in self.guesses:
            if len(self.guesses) >= MOST_GUESSES:
                raise _Endless
            taken = self.take(line, frame, packet, (), None, depth)
            self.guesses[key] = either(taken, self.follow(frame.next, packet, (), depth))
        return [replace(branch, steps=steps + branch.steps) for branch in self.guesses[key]]

    def take(self, line: _Line, frame: _Frame, packet: Packet, steps: tuple[Step, ...], matched: Truth, depth: int) -> list[Branch]:
        moved = self.move(line, frame, packet, (*steps, self.step(line, matched)))
        return [moved] if isinstance(moved, Branch) else self.follow(*moved, depth)

    def move(self, line: _Line, frame: _Frame, packet: Packet, steps: tuple[Step, ...]) -> Branch | tuple[_Frame, Packet, tuple[Step, ...]]:
        """What happens when the rule matches: the walk ends, or goes on elsewhere or with another packet."""
        act = line.action
        if act.kind in (Kind.JUMP, Kind.GOTO):
            return frame.enter(self.lines(act.chain), act.kind is Kind.GOTO), packet, steps
        if act.kind is Kind.RETURN:
            return frame.left, packet, steps
        changed = act.change(packet, self.place) if act.change else packet
        if changed is None or act.kind is Kind.UNKNOWN:
            return Branch(Verdict.UNKNOWN, packet, 1.0, True, steps, steps[-1])
        if act.kind is Kind.CONTINUE:
            return frame.next, changed, steps
        return Branch(Verdict(act.kind.value), changed, 1.0, False, steps, steps[-1])

    def end(self, chain: Chain, packet: Packet, steps: tuple[Step, ...]) -> Branch:
        if chain.policy in ("ACCEPT", ""):
            return Branch(Verdict.ACCEPT if chain.policy else Verdict.RETURN, packet, 1.0, False, steps)
        step = Step(self.world, self.table.name, chain.name, remark=f"policy {chain.policy}")
        verdict = Verdict.DROP if chain.policy == "DROP" else Verdict.UNKNOWN
        return Branch(verdict, packet, 1.0, verdict is Verdict.UNKNOWN, (*steps, step), step)

    def step(self, line: _Line, matched: Truth) -> Step:
        return Step(self.world, self.table.name, line.rule.chain, line.rule, matched)

    def count(self, depth: int, steps: int) -> None:
        self.taken += 1
        if self.taken > MOST_STEPS or depth > MOST_DEPTH or steps > MOST_TRACE:
            raise _Endless

    def lines(self, chain: str) -> _Lines:
        ready = _READY.setdefault(self.ruleset, {})
        key = self.table.name, chain
        if key not in ready:
            found = self.table.chains[chain]
            ready[key] = _Lines(found, tuple(_line(rule, self.table) for rule in found.rules))
        return ready[key]


def _shared(branch: Branch, share: float) -> Branch:
    return branch if share == 1 else replace(branch, probability=branch.probability * share)


def _line(rule: Rule, table: Table) -> _Line:
    tests, share = [], 1.0
    for match in rule.matches:
        if match.name != "statistic":
            tests.append(predicate(match))
            continue
        try:
            share *= chance(match)
        except (ValueError, IndexError, ZeroDivisionError):
            tests.append(unknown)
    test = all_of(tuple(tests)) if tests else always
    return _Line(rule, test if share > 0 else lambda _packet, _place: False, share, action(rule, table.chains))
