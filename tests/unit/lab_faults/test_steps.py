"""Steps on a lab of paper: what is run where, what is kept, what a look waits for, and what undo does when a step fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.errors import LabError, UsageError
from lab.flavour import Flavour
from lab.injection import cli, fault, injection, record, steps
from lab.injection.drawing import NodeFacts
from lab.injection.fault import Step
from lab.state import Places

NODES = [
    NodeFacts(name, "worker" if number else "control", f"172.30.0.1{number}", f"10.244.{number}.0/24", "")
    for number, name in enumerate("abc")
]
VALUES = {"node": "b", "nodes": ("a", "b", "c"), "others": ("a", "c")}


class PaperHands:
    """Answers commands from a function and remembers them."""

    def __init__(self, answer: Callable[[str], str] = lambda _command: "") -> None:
        self.answer, self.done = answer, list[str]()

    def in_node(self, name: str, argv: list[str], text: str) -> str:
        return self._do(f"{name}: {' '.join(argv)}{'<' + text if text else ''}")

    def kubectl(self, argv: list[str], text: str) -> str:
        return self._do(f"kubectl {' '.join(argv)}{'<' + text if text else ''}")

    def facts(self) -> list[NodeFacts]:
        return NODES

    def _do(self, command: str) -> str:
        self.done.append(command)
        return self.answer(command)


def failing(*commands: str, then: str = "") -> Callable[[str], str]:
    def answer(command: str) -> str:
        if command in commands:
            raise LabError(f"{command} failed")
        return then

    return answer


def test_a_step_on_several_nodes_knows_each() -> None:
    hands = PaperHands()
    steps.perform([Step(run=("x", "{this_cidr}"), node="{others}", text="{node}")], hands, dict(VALUES), {})
    assert hands.done == ["a: x 10.244.0.0/24<b", "c: x 10.244.2.0/24<b"]


def test_several_words_of_one_placeholder() -> None:
    hands = PaperHands()
    steps.perform([Step(kubectl=("cordon", "{others}"))], hands, dict(VALUES), {})
    assert hands.done == ["kubectl cordon a c"]


def test_what_is_kept_is_kept_for_each_node() -> None:
    kept: steps.Kept = {}
    hands = PaperHands(lambda command: f"old {command[0]}\n")
    steps.perform(
        [Step(run=("read",), node="{nodes}", keep="old"), Step(run=("write", "{old}"), node="{nodes}")], hands, dict(VALUES), kept
    )
    assert kept == {"old": {"a": "old a", "b": "old b", "c": "old c"}}
    assert hands.done[3:] == ["a: write old a", "b: write old b", "c: write old c"]
    steps.perform([Step(run=("read",), node="{nodes}", same_as="old")], hands, dict(VALUES), kept)
    with pytest.raises(LabError, match=r"read on a: not what was kept as old within 0 s; last:\n  else"):
        steps.perform([Step(run=("read",), node="a", same_as="old", within=0)], PaperHands(lambda _: "else"), dict(VALUES), kept)


@pytest.mark.parametrize(
    ("step", "output", "good"),
    [
        (Step(kubectl=("x",), prints="^{node}$", within=0), "a\nb\n", True),
        (Step(kubectl=("x",), prints="^{node}$", within=0), "ab", False),
        (Step(kubectl=("x",), prints="{others}", within=0), "c", True),
        (Step(kubectl=("x",), lacks=r"\[{node}\]", within=0), "[a][c]", True),
        (Step(kubectl=("x",), lacks=r"\[{node}\]", within=0), "[a][b]", False),
        (Step(kubectl=("x",), lacks="{others}", within=0), "c", False),
    ],
)
def test_what_a_look_accepts(step: Step, output: str, good: bool) -> None:
    if good:
        steps.perform([step], PaperHands(lambda _: output), dict(VALUES), {})
        return
    with pytest.raises(LabError, match=r"kubectl x: not .* within 0 s; last:\n  "):
        steps.perform([step], PaperHands(lambda _: output), dict(VALUES), {})


def test_a_look_that_fails_shows_nothing_gone() -> None:
    """A missing program prints nothing like what must be gone, and proves nothing."""
    with pytest.raises(LabError, match=r"\(it failed\)"):
        steps.perform([Step(kubectl=("x",), lacks="b", within=0)], PaperHands(failing("kubectl x")), dict(VALUES), {})


def test_a_look_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PAUSE", 0)
    answers = iter(["", "", "ready"])
    hands = PaperHands(lambda _: next(answers))
    steps.perform([Step(kubectl=("x",), prints="ready")], hands, dict(VALUES), {})
    assert len(hands.done) == 3


def test_a_wrong_placeholder_in_a_look_is_no_failed_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.time, "sleep", lambda _: pytest.fail("it is looked at again"))
    with pytest.raises(UsageError, match=r"a fault names \{nod\}"):
        steps.perform([Step(kubectl=("{nod}",), lacks="b")], PaperHands(), dict(VALUES), {})


def test_undo_does_not_stop_at_a_failure() -> None:
    hands = PaperHands(failing("kubectl one"))
    two = [Step(kubectl=("one",)), Step(kubectl=("two",))]
    assert steps.perform(two, hands, dict(VALUES), {}, stop=False) == ["kubectl one failed"]
    assert hands.done == ["kubectl one", "kubectl two"]
    with pytest.raises(LabError, match="kubectl one failed"):
        steps.perform(two, hands, dict(VALUES), {})


ONE = fault.parse({
    "FLT-900.yaml": """
id: FLT-900
title: one
flavour: {rp_filter: 0}
draw: {number: [5, 5]}
inject: [{kubectl: [old], keep: old}, {kubectl: [put, "{number}"]}]
effective: [{kubectl: [look], prints: "on", within: 0}]
undo: [{kubectl: [take, "{old}"]}]
healed: [{kubectl: [again], lacks: bad, within: 0}]
must: [{requirement: X, status: failed}]
cause: {id: forwarding-off, node: "{node}"}
"""
})["FLT-900"]  # fmt: skip


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return Places(tmp_path / "run", tmp_path / "cache")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> PaperHands:
    hands = PaperHands(lambda command: {"kubectl old": "before", "kubectl look": "on"}.get(command, ""))

    @contextmanager
    def held(_where: Places) -> Iterator[tuple[PaperHands, Flavour]]:
        yield hands, Flavour()

    monkeypatch.setattr(injection, "hands", held)
    return hands


def test_inject_and_undo(where: Places, lab: PaperHands) -> None:
    made = injection.inject(where, ONE, 3, "c")
    assert (made.values["node"], made.complete) == ("c", True)
    assert record.load(where) == {"FLT-900": made}
    injection.undo(where, ONE)
    assert lab.done == ["kubectl old", "kubectl put 5", "kubectl look", "kubectl take before", "kubectl again"]
    assert record.load(where) == {}


def test_a_second_fault_is_refused(where: Places, lab: PaperHands) -> None:
    injection.inject(where, ONE, 3)
    done = list(lab.done)
    with pytest.raises(UsageError, match="FLT-900 is on the lab already: `python -m lab fault undo FLT-900` takes it off"):
        injection.inject(where, ONE, 4)
    other = fault.catalogue()["FLT-004"]
    with pytest.raises(
        UsageError, match="FLT-900 is on the lab, and two faults hide each other: run `python -m lab fault undo FLT-900` first"
    ):
        injection.inject(where, other, 4)
    with pytest.raises(UsageError, match="FLT-004 is not on the lab: FLT-900 is"):
        injection.undo(where, other)
    assert lab.done == done


def test_undo_of_nothing(where: Places, lab: PaperHands) -> None:
    with pytest.raises(UsageError, match="FLT-900 is not on the lab: no fault is"):
        injection.undo(where, ONE)
    assert lab.done == []


def test_a_fault_that_does_not_show_is_undone(where: Places, lab: PaperHands) -> None:
    lab.answer = lambda command: "before" if command == "kubectl old" else ""
    with pytest.raises(LabError, match=r"FLT-900 does not show, so it was undone: kubectl look: not on within 0 s"):
        injection.inject(where, ONE, 3)
    assert lab.done[-2:] == ["kubectl take before", "kubectl again"]
    assert record.load(where) == {}


def test_an_interrupt_undoes_it_too(where: Places, lab: PaperHands) -> None:
    def answer(command: str) -> str:
        if command == "kubectl look":
            raise KeyboardInterrupt
        return "before"

    lab.answer = answer
    with pytest.raises(KeyboardInterrupt):
        injection.inject(where, ONE, 3)
    assert lab.done[-2:] == ["kubectl take before", "kubectl again"]


def test_an_undo_that_fails_is_remembered(where: Places, lab: PaperHands) -> None:
    injection.inject(where, ONE, 3)
    lab.answer = failing("kubectl take before", then="bad")
    with pytest.raises(LabError, match=r"(?s)FLT-900 is not undone: kubectl again: not nothing like bad.*\nkubectl take before failed"):
        injection.undo(where, ONE)
    assert list(record.load(where)) == ["FLT-900"]
    lab.answer = lambda _command: ""
    injection.undo(where, ONE)
    assert record.load(where) == {}


@pytest.mark.parametrize(
    ("wanted", "option"),
    [
        ({"rp_filter": 1}, "--rp-filter 1"),
        ({"flannel_nftables": True}, "--flannel-nftables"),
        ({"flannel_backend": "host-gw"}, "--flannel-backend host-gw"),
    ],
)
def test_another_flavour_is_named(wanted: dict[str, object], option: str) -> None:
    one = fault.Fault("FLT-900", "", wanted, (), {}, (), (), (), (), (), (), fault.NamedCause("forwarding-off"))
    with pytest.raises(UsageError, match=f"FLT-900 is none of this flavour: run `python -m lab up {option}` first"):
        injection.check_flavour(one, Flavour())


def test_a_damaged_record(where: Places) -> None:
    where.disks.mkdir(parents=True)
    (where.disks / "faults.json").write_text("{")
    with pytest.raises(LabError, match=r"faults\.json is damaged .*: `python -m lab down` and `up` give a lab without faults"):
        record.load(where)


@pytest.mark.parametrize("text", ["-1", "x", "1.5", str(2**32), ""])
def test_what_is_no_seed(text: str) -> None:
    with pytest.raises(Exception, match="is no seed: a number from 0 to 4294967295"):
        cli._seed(text)
