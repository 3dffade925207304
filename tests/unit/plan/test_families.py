"""A cell for each family that the cluster and the target have."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from plan_world import make_inventory

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.plan import matrix
from pytest_k8snet.plan.available import available

DUAL = replace(make_inventory(), families=(Family.IPV4, Family.IPV6))
SIX = replace(make_inventory(), families=(Family.IPV6,), api_endpoints=("[fd00::11]:6443",))
LINE = {"requirement": "NET-X-001", "plane": "p", "from": "pod/a", "to": "pod/a", "where": "other-node", "actions": ["tcp"],
        "documented": "d", "by": "b"}  # fmt: skip


def probes(documented, requirement, inventory, **options):
    return [str(plan.probe) for plan in documented.cells(requirement, inventory, available(inventory, Settings(**options)))]


def made(tmp_path, *rows, **more):
    path = tmp_path / "matrix.yaml"
    path.write_text(yaml.safe_dump({"lines": [LINE | row for row in rows], **more}))
    return matrix.load(path)


@pytest.mark.parametrize("requirement", ["NET-REACH-005", "NET-REACH-014", "NET-SERVICE-001", "NET-SERVICE-018", "NET-PATH-002"])
def test_a_dual_cluster_has_every_cell_twice(documented, requirement):
    once = probes(documented, requirement, make_inventory())
    twice = probes(documented, requirement, DUAL)
    assert [probe for probe in twice if "4" in probe.partition(":")[0]] == once
    assert len(twice) == 2 * len(once)


@pytest.mark.parametrize(
    ("requirement", "verb"),
    [("NET-REACH-001", "tcp4"), ("NET-REACH-005", "tcp6"), ("NET-REACH-015", "tls6"), ("NET-EXTERNAL-001", "tcp6")],
)
def test_a_cluster_of_ipv6_is_asked_there_but_its_pods_have_127_0_0_1(documented, requirement, verb):
    assert {probe.partition(":")[0] for probe in probes(documented, requirement, SIX)} == {verb}


def test_the_api_and_the_runner_have_one_address(documented):
    for requirement in ("NET-REACH-015", "NET-EXTERNAL-001", "NET-EXTERNAL-005", "NET-MTU-003"):
        assert probes(documented, requirement, DUAL) == probes(documented, requirement, make_inventory())


def test_a_declared_target_has_the_family_of_its_address(documented):
    found = probes(documented, "NET-EXTERNAL-004", DUAL, external=("tcp://192.0.2.1:80", "tcp://[2001:db8::1]:80"))
    assert {probe.partition(":")[0] for probe in found if "2001" in probe} == {"tcp6"}
    assert {probe.partition(":")[0] for probe in found if "192.0.2.1" in probe} == {"tcp4"}


def test_a_target_of_a_family_that_the_cluster_has_not_is_refused():
    with pytest.raises(UsageProblem, match="not an address of ipv4"):
        available(make_inventory(), Settings(external=("tcp://[2001:db8::1]:80",)))


@pytest.mark.parametrize(("families", "verbs"), [("each", {"tcp4", "tcp6"}), ("first", {"tcp4"}), ("ipv4", {"tcp4"}), ("ipv6", {"tcp6"})])
def test_a_line_may_mean_one_family(tmp_path, families, verbs):
    found = probes(made(tmp_path, {"families": families}), "NET-X-001", DUAL)
    assert {probe.partition(":")[0] for probe in found} == verbs


def test_a_line_of_a_family_that_is_not_there_has_no_cell(tmp_path):
    assert probes(made(tmp_path, {"families": "ipv6"}), "NET-X-001", make_inventory()) == []


def test_an_unknown_family_is_named(tmp_path):
    with pytest.raises(UsageProblem, match="'ipv5' is none of each, first, ipv4, ipv6"):
        made(tmp_path, {"families": "ipv5"})


def test_what_is_repeated_is_asked_once_and_shows_all(tmp_path):
    nat = {"requirement": "NET-X-002", "seen": "client", "reach": "NET-X-001", "documented": "e"}
    documented = made(tmp_path, {}, nat, repeats=[{"requirement": "NET-X-003", "family": "ipv6", "of": ["NET-X-001", "NET-X-002"]}])
    cells = documented.cells("NET-X-003", DUAL, available(DUAL, Settings()))
    assert {str(cell.probe)[:4] for cell in cells} == {"tcp6"}
    assert len({cell.probe for cell in cells}) == len(cells) == 6
    assert {(cell.requirement, cell.reach, cell.documented.source, cell.documented.text) for cell in cells} == {
        ("NET-X-003", "", ("client",), "d; e")
    }
    assert "NET-X-003" in documented.requirements()


def test_what_is_repeated_must_be_there(tmp_path):
    with pytest.raises(UsageProblem, match="repeats of NET-X-003: no line of NET-X-009"):
        made(tmp_path, {}, repeats=[{"requirement": "NET-X-003", "family": "ipv6", "of": ["NET-X-009"]}])
