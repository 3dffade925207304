"""The comparison calls a fault found only when every cell says what it must, and nothing else changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError, UsageError
from lab.injection import compare, report
from lab.injection.fault import Expected, Fault, NamedCause
from lab.injection.report import Cell, Judged

NODES = ("k8snet-control", "k8snet-worker1", "k8snet-worker2")
VALUES = {"node": NODES[1], "peer": NODES[2], "others": (NODES[0], NODES[2]), "role": "worker"}
REACH = {"NET-NAT-002": {"NET-REACH-005"}}
PAIRS = [(f"pod/a@{one}", f"pod/a@{other}") for one in NODES for other in NODES if one != other]
CELLS = [Cell(name, *pair, protocol="tcp") for name in ("NET-REACH-005", "NET-NAT-002") for pair in PAIRS]
HEALTHY = {cell: Judged("passed") for cell in [*CELLS, Cell("NET-FLANNEL-001"), Cell("NET-NODE-001", node=NODES[1])]}
REACH_MUST = Expected(("NET-REACH-005",), "failed", ("pod/*@{node}",), ("pod/*@{others}",))


def fault(*must: Expected, may: tuple[Expected, ...] = ()) -> Fault:
    return Fault("FLT-000", "", {}, ("worker",), {}, (), (), (), (), must, may, NamedCause("forwarding-off"))


def changed(status: str, *cells: Cell) -> dict[Cell, Judged]:
    return {**HEALTHY, **{cell: Judged(status, "why\nmore") for cell in cells}}


def compared(one: Fault, faulted: dict[Cell, Judged]) -> compare.Comparison:
    return compare.compare(one, VALUES, HEALTHY, faulted, REACH)


ROW = [cell for cell in CELLS if cell.requirement == "NET-REACH-005" and cell.source == "pod/a@k8snet-worker1"]


def test_all_that_must_and_nothing_else() -> None:
    found = compared(fault(REACH_MUST), changed("failed", *ROW))
    assert found.good
    assert len(found.seen) == 2


@pytest.mark.parametrize("status", ["passed", "inconclusive", "warning", "skipped"])
def test_another_status_is_a_miss(status: str) -> None:
    found = compared(fault(REACH_MUST), changed("failed", *ROW) | {ROW[1]: Judged(status, "said\nso")})
    assert not found.good
    assert [f"passed -> {status}, must be failed: said | so" in line for line in found.missed] == [True]


def test_an_absent_cell_is_a_miss() -> None:
    faulted = changed("failed", *ROW)
    del faulted[ROW[0]]
    assert compared(fault(REACH_MUST), faulted).missed == [f"{ROW[0]}: passed -> absent, must be failed"]


def test_a_pattern_without_cells_is_a_miss() -> None:
    found = compared(fault(Expected(("NET-GONE-001",), "failed", node=("{node}",))), HEALTHY)
    assert found.missed == ["no cell is like requirement NET-GONE-001 node k8snet-worker1"]


def test_a_pattern_of_another_role_demands_nothing() -> None:
    assert compared(fault(Expected(("NET-REACH-005",), "failed", role="control")), HEALTHY).good


@pytest.mark.parametrize("status", ["failed", "warning", "inconclusive", "skipped"])
def test_a_change_elsewhere_is_unexpected(status: str) -> None:
    cell = Cell("NET-FLANNEL-001")
    found = compared(fault(REACH_MUST), changed("failed", *ROW) | {cell: Judged(status, "text")})
    assert found.unexpected == [f"NET-FLANNEL-001 cluster: passed -> {status}: text"]
    assert not found.missed
    assert not found.good


def test_a_new_cell_is_unexpected() -> None:
    found = compared(fault(REACH_MUST), changed("failed", *ROW) | {Cell("NET-NEW-001"): Judged("passed")})
    assert found.unexpected == ["NET-NEW-001 cluster: absent -> passed"]


def test_may_covers_its_cells_only() -> None:
    may = (Expected(("NET-NODE-*",), node=("{node}",)),)
    cells = [Cell("NET-NODE-001", node=NODES[1]), Cell("NET-FLANNEL-001")]
    found = compared(fault(REACH_MUST, may=may), changed("failed", *ROW, *cells))
    assert [line.split()[0] for line in found.consequences] == ["NET-NODE-001"]
    assert [line.split()[0] for line in found.unexpected] == ["NET-FLANNEL-001"]


def test_must_wins_over_may() -> None:
    may = (Expected(("NET-REACH-005",)),)
    assert len(compared(fault(REACH_MUST, may=may), HEALTHY).missed) == 2


def test_property_of_an_unreached_conversation_is_a_consequence() -> None:
    nat = Cell("NET-NAT-002", ROW[0].source, ROW[0].target, protocol="tcp")
    found = compared(fault(REACH_MUST), changed("failed", *ROW) | {nat: Judged("inconclusive")})
    assert found.good
    assert found.consequences == [f"{nat}: passed -> inconclusive"]


@pytest.mark.parametrize(("node", "expected"), [("own", True), ("another", False)])
def test_the_way_of_another_pod_of_the_node_is_the_same(node: str, expected: bool) -> None:
    place = ROW[0].source.partition("@")[2] if node == "own" else ROW[0].target.partition("@")[2]
    nat = Cell("NET-NAT-002", f"pod/b@{place}", ROW[0].target, protocol="tcp")
    assert compared(fault(REACH_MUST), changed("failed", *ROW) | {nat: Judged("inconclusive")}).good == expected


@pytest.mark.parametrize(("status", "target"), [("failed", 0), ("inconclusive", 1)])
def test_property_otherwise_is_unexpected(status: str, target: int) -> None:
    """It failed, though nothing was seen; or its conversation did pass."""
    source = (ROW[0].source, NODES[0])[target and 0]
    other = Cell("NET-NAT-002", source, ROW[0].target, protocol="tcp")
    faulted = changed("failed", *(ROW if target == 0 else ROW[1:])) | {other: Judged(status)}
    assert any(line.startswith(str(other)) for line in compared(fault(REACH_MUST), faulted).unexpected)


@pytest.mark.parametrize(("where", "number"), [("other-node", 6), ("same-node", 0)])
def test_where_source_and_target_are(where: str, number: int) -> None:
    found = compared(fault(Expected(("NET-REACH-005",), "passed", where=where)), HEALTHY)
    assert len(found.seen) == number
    assert bool(found.missed) == (number == 0)


statuses = st.sampled_from(["passed", "failed", "warning", "inconclusive", "skipped"])


@given(st.lists(statuses, min_size=len(HEALTHY), max_size=len(HEALTHY)))
def test_good_exactly_if_every_cell_is_as_written(drawn: list[str]) -> None:
    faulted = {cell: Judged(status) for cell, status in zip(HEALTHY, drawn, strict=True)}
    reached = {(c.source, c.target): j.status == "passed" for c, j in faulted.items() if c.requirement == "NET-REACH-005"}

    def fits(cell: Cell, status: str) -> bool:
        if cell in ROW:
            return status == "failed"
        derived = cell.requirement == "NET-NAT-002" and not reached[cell.source, cell.target]
        return status == "passed" or (derived and status == "inconclusive")

    expected = all(fits(cell, judged.status) for cell, judged in faulted.items())
    assert compared(fault(REACH_MUST), faulted).good == expected


@given(st.dictionaries(st.sampled_from(CELLS), statuses), st.dictionaries(st.sampled_from(CELLS), statuses))
def test_differences_name_exactly_the_cells_that_differ(first: dict[Cell, str], second: dict[Cell, str]) -> None:
    lines = compare.differences({c: Judged(s) for c, s in first.items()}, {c: Judged(s) for c, s in second.items()})
    differing = {cell for cell in {*first, *second} if first.get(cell) != second.get(cell)}
    assert {line.split(": ")[0] for line in lines} == {str(cell) for cell in differing}


def test_a_placeholder_nobody_knows() -> None:
    with pytest.raises(UsageError, match=r"a fault names \{nodde\}, which is none of node, others, peer, role"):
        compared(fault(Expected(("NET-REACH-005",), "failed", node=("{nodde}",))), HEALTHY)


def _result(**subject: Any) -> dict[str, Any]:
    return {"requirement": "NET-REACH-005", "subject": subject, "status": "passed", "message": "m"}


def test_cells_of_a_report() -> None:
    subject = {"source": "a", "target": "b", "family": "ipv4", "protocol": "tcp"}
    assert report.parse({"results": [_result(**subject)]}) == {Cell("NET-REACH-005", **subject): Judged("passed", "m")}


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "JSONDecodeError"), ("{}", "KeyError: 'results'"), ('{"results": [1]}', "TypeError")],
)
def test_what_is_no_report(tmp_path: Any, text: str, why: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(LabError, match=rf"r\.json is no report of pytest-k8snet: {why}"):
        report.read(tmp_path / "r.json")


def test_a_cell_that_is_there_twice() -> None:
    with pytest.raises(ValueError, match=r"NET-REACH-005 cluster is there twice"):
        report.parse({"results": [_result(), _result()]})
