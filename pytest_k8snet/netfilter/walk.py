"""A packet walked through one chain, as the kernel would do it.

Rules in order; user chains by jump (with return) and goto (without); base chains end in their policy. What is drawn at random splits
the walk by its probability. A match that cannot be judged is tried both ways: if both ways say the same, nothing is lost; otherwise
the branches are uncertain. Nothing unknown ever counts as true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from ..parse.ruleset import Ruleset
from .book import book
from .branch import Branch, Step, Verdict, either, merge
from .line import Book, Line, Lines
from .packet import Packet
from .target import Action, Choice, Kind
from .truth import Place, Truth

HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
MOST_STEPS = 50_000  # matched rules in one walk; more means a loop, which the kernel would have refused
MOST_GUESSES = 500  # places where a match was unknown
MOST_TRACE = 1000  # rules that one packet matches
MOST_DEPTH = 150  # nested guesses
MOST_JUMPS = 150  # nested jumps


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a walk stands: in a chain before the line at `at`, and where it goes on afterwards."""

    lines: Lines
    at: int
    after: _Frame | None
    depth: int = 0  # of jumps

    def ahead(self, lines: int) -> _Frame:
        return _Frame(self.lines, self.at + lines, self.after, self.depth)

    @property
    def left(self) -> _Frame:
        """After RETURN: behind the jump, or at the end of the first chain."""
        return self.after or _Frame(self.lines, len(self.lines.lines), None)

    def enter(self, lines: Lines, goto: bool, span: int) -> _Frame:
        if self.depth >= MOST_JUMPS:
            raise _Endless
        return _Frame(lines, 0, self.left if goto else self.ahead(span), self.depth + (not goto))


class _Endless(Exception):
    """The walk took more steps than any loadable rule set can."""


def walk(
    ruleset: Ruleset, table: str, chain: str, packet: Packet, sets: Mapping[str, frozenset[str]] | None = None, world: str = ""
) -> tuple[Branch, ...]:
    """Every branch through `chain`, which may be a user chain (its end is the verdict "return"; hook "" = interfaces unknown if "").

    A table or chain that does not exist accepts. A table that its tool could not show is unknown. Certain probabilities add up to 1.
    """
    if table in ruleset.opaque:
        step = Step(world, table, chain, remark=ruleset.opaque[table])
        return (Branch(Verdict.UNKNOWN, packet, 1.0, True, (step,), step),)
    if ruleset.chain(table, chain) is None:
        return (Branch(Verdict.ACCEPT, packet),)
    place = Place(chain if chain in HOOKS else "", sets or {}, table == "raw")
    return walk_book(book(ruleset, table), chain, packet, place, world, table)


def walk_book(chains: Book, chain: str, packet: Packet, place: Place, world: str, table: str) -> tuple[Branch, ...]:
    """Every branch through a chain of one table; `world` and `table` are named in the steps."""
    return tuple(_Walk(chains, place, world, table).run(chain, packet))


@dataclass(slots=True)
class _Walk:
    chains: Book
    place: Place
    world: str
    table: str
    taken: int = 0
    guesses: dict[tuple[_Frame, Packet], list[Branch]] = field(default_factory=dict)

    def run(self, chain: str, packet: Packet) -> list[Branch]:
        try:
            return merge(self.follow(_Frame(self.chains.lines(chain), 0, None), packet, (), 0))
        except _Endless:
            step = Step(
                self.world, self.table, chain, remark="has more ways through it than can be walked (a loop, or too many unknown rules)"
            )
            return [Branch(Verdict.UNKNOWN, packet, 1.0, True, (step,), step)]

    def follow(self, start: _Frame, packet: Packet, steps: tuple[Step, ...], depth: int) -> list[Branch]:
        """All branches from a place on; their steps begin with `steps`."""
        frame, share, branches = start, 1.0, list[Branch]()
        while True:
            if frame.at == len(frame.lines.lines):
                if frame.after is None:
                    return [*branches, _shared(self.end(frame.lines, packet, steps), share)]
                frame = frame.after
                continue
            line = frame.lines.lines[frame.at]
            truth = line.test(packet, self.place)
            if truth is False or (truth is None and line.action.harmless):
                frame = frame.ahead(line.span)
                continue
            self.count(depth, len(steps))
            if truth is None:
                return branches + [_shared(branch, share) for branch in self.guess(line, frame, packet, steps, depth + 1)]
            if line.chance < 1 and not line.action.harmless:
                taken = self.take(line, frame, packet, steps, True, depth + 1)
                branches += [_shared(branch, share * line.chance) for branch in taken]
                share, frame = share * (1 - line.chance), frame.ahead(line.span)
                continue
            action = self.only(line.action, packet)
            if action is None:
                chosen = self.take(line, frame, packet, steps, True, depth + 1)
                return branches + [_shared(branch, share) for branch in chosen]
            if action.kind is Kind.MISS:
                frame = frame.ahead(line.span)
                continue
            moved = self.move(line, action, frame, packet, self.with_step(steps, line, True))
            if isinstance(moved, Branch):
                return [*branches, _shared(moved, share)]
            frame, packet, steps = moved

    def guess(self, line: Line, frame: _Frame, packet: Packet, steps: tuple[Step, ...], depth: int) -> list[Branch]:
        """Both ways of a match that is unknown; remembered, since several guesses may lead to the same place."""
        key = frame, packet
        if key not in self.guesses:
            if len(self.guesses) >= MOST_GUESSES:
                raise _Endless
            taken = self.take(line, frame, packet, (), None, depth)
            self.guesses[key] = either(taken, self.follow(frame.ahead(line.span), packet, (), depth))
        return [replace(branch, steps=steps + branch.steps) for branch in self.guesses[key]]

    def only(self, action: Action, packet: Packet) -> Action | None:
        """What is done if there is one thing that can be done; None where a map leaves a choice."""
        if action.choose is None:
            return action
        choice = action.choose(packet, self.place)
        if choice.certain and not choice.ways:
            return _MISS
        return choice.ways[0][1] if choice.certain and len(choice.ways) == 1 and choice.missed == 0 else None

    def take(self, line: Line, frame: _Frame, packet: Packet, steps: tuple[Step, ...], matched: Truth, depth: int) -> list[Branch]:
        if line.action.choose is not None:
            return self.choose(line.action.choose(packet, self.place), line, frame, packet, steps, matched, depth)
        moved = self.move(line, line.action, frame, packet, self.with_step(steps, line, matched))
        return [moved] if isinstance(moved, Branch) else self.follow(*moved, depth)

    def choose(
        self, choice: Choice, line: Line, frame: _Frame, packet: Packet, steps: tuple[Step, ...], matched: Truth, depth: int
    ) -> list[Branch]:
        """All ways that a map leaves: by their shares, or each of them possible."""
        self.count(depth, len(steps))
        certain = matched if choice.certain else None
        ways = [(share, self.take(replace(line, action=action), frame, packet, steps, certain, depth + 1)) for share, action in choice.ways]
        if choice.missed:
            ways.append((choice.missed, self.follow(frame.ahead(line.span), packet, steps, depth + 1)))
        if choice.certain:
            return [_shared(branch, share) for share, branches in ways for branch in branches]
        return reduce(either, (branches for _, branches in ways))

    def move(
        self, line: Line, act: Action, frame: _Frame, packet: Packet, steps: tuple[Step, ...]
    ) -> Branch | tuple[_Frame, Packet, tuple[Step, ...]]:
        """What happens when the rule matches: the walk ends, or goes on elsewhere or with another packet."""
        if act.kind in (Kind.JUMP, Kind.GOTO):
            return frame.enter(self.chains.lines(act.chain), act.kind is Kind.GOTO, line.span), packet, steps
        if act.kind is Kind.RETURN:
            return frame.left, packet, steps
        changed = act.change(packet, self.place) if act.change else packet
        if changed is None or act.kind is Kind.UNKNOWN:
            return Branch(Verdict.UNKNOWN, packet, 1.0, True, steps, steps[-1])
        if act.kind is Kind.CONTINUE:
            return frame.ahead(1), changed, steps
        return Branch(Verdict(act.kind.value), changed, 1.0, False, steps, steps[-1])

    def end(self, lines: Lines, packet: Packet, steps: tuple[Step, ...]) -> Branch:
        if lines.policy in ("ACCEPT", ""):
            return Branch(Verdict.ACCEPT if lines.policy else Verdict.RETURN, packet, 1.0, False, steps)
        step = Step(self.world, self.table, lines.name, remark=lines.ending)
        verdict = Verdict.DROP if lines.policy == "DROP" else Verdict.UNKNOWN
        return Branch(verdict, packet, 1.0, verdict is Verdict.UNKNOWN, (*steps, step), step)

    def with_step(self, steps: tuple[Step, ...], line: Line, matched: Truth) -> tuple[Step, ...]:
        """A rule in several lines is one step, in doubt if any of its lines is."""
        if steps and steps[-1].rule is line.rule:
            return (*steps[:-1], replace(steps[-1], matched=steps[-1].matched and matched))
        return (*steps, Step(self.world, self.table, line.rule.chain, line.rule, matched))

    def count(self, depth: int, steps: int) -> None:
        self.taken += 1
        if self.taken > MOST_STEPS or depth > MOST_DEPTH or steps > MOST_TRACE:
            raise _Endless


_MISS = Action(Kind.MISS)


def _shared(branch: Branch, share: float) -> Branch:
    return branch if share == 1 else replace(branch, probability=branch.probability * share)
