"""Failing cells in few words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.diagnose.grouping import groups

NODES = [f"n{number}" for number in range(6)]
MESH = {(row, column) for row in NODES for column in NODES if row != column}


def words(failing, asked=MESH):
    return [group.where for group in groups(asked, failing)]


def test_one_dead_node_is_one_group():
    assert words({cell for cell in MESH if "n3" in cell}) == ["row and column n3"]


def test_a_dead_node_among_two_hundred_is_one_group():
    names = [f"n{number:03}" for number in range(200)]
    mesh = {(row, column) for row in names for column in names if row != column}
    assert words({cell for cell in mesh if "n117" in cell}, mesh) == ["row and column n117"]


def test_a_node_that_cannot_send_is_a_row_and_one_that_cannot_be_reached_a_column():
    assert words({cell for cell in MESH if cell[0] == "n1"}) == ["row n1"]
    assert words({cell for cell in MESH if cell[1] == "n1"}) == ["column n1"]


def test_two_dead_nodes_are_two_groups():
    assert words({cell for cell in MESH if "n1" in cell or "n4" in cell}) == ["row and column n1", "row and column n4"]


def test_a_pair_and_a_direction():
    assert words({("n1", "n2"), ("n2", "n1")}) == ["pair n1 - n2"]
    assert words({("n1", "n2")}) == ["n1 to n2"]


def test_everything():
    assert words(MESH) == ["every cell"]
    assert words(set()) == []


def test_one_column_of_services():
    asked = {(node, "service/web") for node in NODES}
    assert words({("n1", "service/web")}, asked) == ["n1 to service/web"]
    assert words(asked, asked) == ["every cell"]


@given(st.sets(st.sampled_from(sorted(MESH))))
def test_groups_cover_exactly_the_failing_cells_and_each_once(failing):
    found = [cell for group in groups(MESH, failing) for cell in group.cells]
    assert sorted(found) == sorted(failing)


@given(st.sets(st.sampled_from(sorted(MESH)), min_size=1))
def test_never_more_groups_than_cells(failing):
    assert 1 <= len(groups(MESH, failing)) <= len(failing)
