from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_world import make_inventory

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.endpoint import EndpointKind
from pytest_k8snet.model.observation import Outcome
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.model.verdict import Level
from pytest_k8snet.plan import matrix
from pytest_k8snet.plan.available import available
from pytest_k8snet.plan.readers import IN_PODS, READERS, names_for
from pytest_k8snet.plan.scenarios import SCENARIOS

LINE = {"requirement": "NET-X-001", "plane": "p", "from": "pod/a", "to": "pod/a", "where": "other-node", "actions": ["tcp"],
        "documented": "d", "by": "b"}  # fmt: skip


def cells(documented, requirement, inventory, **options):
    return documented.cells(requirement, inventory, available(inventory, Settings(**options)))


def load(tmp_path, **changes):
    row = {key: value for key, value in (LINE | changes).items() if value is not None}
    path = tmp_path / "matrix.yaml"
    path.write_text(yaml.safe_dump({"lines": [row]}))
    return matrix.load(path)


def test_every_line_is_of_a_known_active_requirement(documented, requirements):
    assert {requirements[i].kind for i in documented.requirements()} == {"active"}
    rows = {row["requirement"] for row in documented.resolver_rows}
    active = {i for i, r in requirements.items() if r.kind == "active"}
    played = {id for scenario in SCENARIOS for id in scenario.requirements} & active
    asked = {i for i in active if any("http" in READERS[name].how for name in names_for([i]))}  # by the host pods, of their own nodes
    assert active - set(documented.requirements()) - rows - played - asked == set(IN_PODS) & active  # on what pods read about themselves
    assert {requirements[i].kind for i in rows} == {"active", "privileged"}  # one compares what pods are told with what kubelets know


def test_reach_names_a_requirement_of_the_matrix(documented):
    assert {line.reach for line in documented.lines} - {""} <= set(documented.requirements())


@given(st.integers(1, 12))
@settings(max_examples=12, deadline=None)
def test_counts_over_any_number_of_nodes(documented, n):
    inventory = make_inventory(n)
    found = {i: len(cells(documented, i, inventory)) for i in documented.requirements()}
    per_node = ("NET-REACH-001", "NET-REACH-002", "NET-REACH-012", "NET-NAT-006", "NET-SERVICE-001", "NET-SERVICE-006", "NET-EXTERNAL-004")
    pairs = (
        "NET-REACH-005",
        "NET-REACH-006",
        "NET-REACH-008",
        "NET-REACH-010",
        "NET-REACH-013",
        "NET-NAT-007",
        "NET-PATH-002",
        "NET-MTU-003",
    )
    assert {i: found[i] for i in per_node} == dict.fromkeys(per_node, n)
    assert {i: found[i] for i in pairs} == dict.fromkeys(pairs, n * (n - 1))
    assert (found["NET-REACH-003"], found["NET-REACH-009"], found["NET-REACH-015"]) == (2 * n, 4 * n, 2 * n)
    assert (found["NET-SERVICE-007"], found["NET-EXTERNAL-001"], found["NET-MTU-005"]) == (4 * n * n, n, n + n * (n - 1))


@given(st.integers(1, 9), st.sampled_from([Tier.RESTRICTED, Tier.PRIVILEGED]))
@settings(max_examples=20, deadline=None)
def test_expansion_is_deterministic_unique_and_ids_come_back(documented, n, tier):
    inventory = make_inventory(n)
    for requirement in documented.requirements():
        plans = cells(documented, requirement, inventory, tier=tier)
        assert plans == cells(documented, requirement, inventory, tier=tier)
        ids = [str(plan.probe) for plan in plans]
        assert len(set(ids)) == len(ids)
        assert [Probe.parse(i) for i in ids] == [plan.probe for plan in plans]
        if tier is Tier.RESTRICTED:
            assert EndpointKind.HOST not in {end.kind for p in plans for end in (p.probe.source, p.probe.target)}


def test_every_node_is_a_source_of_every_requirement(documented, inventory):
    for requirement in documented.requirements():
        dual = replace(inventory, families=tuple(Family))
        plans = cells(documented, requirement, dual if requirement.startswith("NET-IPV6-") else inventory)
        sources = Counter(plan.probe.source.node for plan in plans)
        expected = {
            "NET-EXTERNAL-001": {""},
            "NET-EXTERNAL-002": {""},
            "NET-EXTERNAL-007": {""},
            "NET-SERVICE-010": {"", "n1", "n2", "n3"},  # from outside too
            "NET-REACH-018": {"n1", "n2"},  # a pair of nodes is one cell, of the first one
        }.get(requirement, {"n1", "n2", "n3"})
        assert set(sources) == expected, requirement
        assert len({count for node, count in sources.items() if node}) <= 1 or requirement == "NET-REACH-018", requirement


def test_a_pair_is_one_cell_with_the_way_back(documented, inventory):
    plans = [plan for plan in cells(documented, "NET-REACH-018", inventory) if plan.probe.action is Action.TCP]
    assert [str(plan.probe) for plan in plans] == ["tcp4:pod/a@n1>pod/a@n2", "tcp4:pod/a@n1>pod/a@n3", "tcp4:pod/a@n2>pod/a@n3"]
    assert [str(probe) for plan in plans for probe in plan.controls] == [
        "tcp4:pod/a@n2>pod/a@n1",
        "tcp4:pod/a@n3>pod/a@n1",
        "tcp4:pod/a@n3>pod/a@n2",
    ]


def test_each_node_is_followed_by_one(documented, inventory):
    assert [str(plan.probe) for plan in cells(documented, "NET-PATH-005", inventory)] == [
        "trace4:pod/b@n1>pod/a@n2",
        "trace4:pod/b@n2>pod/a@n3",
        "trace4:pod/b@n3>pod/a@n1",
    ]
    assert cells(documented, "NET-PATH-005", replace(inventory, nodes=inventory.nodes[:1])) == ()


def test_a_remote_backend_needs_a_second_node(documented, inventory):
    plans = cells(documented, "NET-MTU-006", inventory)
    assert {(plan.until, plan.documented.servers) for plan in plans if plan.probe.source.name == "b"} == {(2, "remote")}
    alone = replace(inventory, nodes=inventory.nodes[:1])
    assert {str(plan.probe.target) for plan in cells(documented, "NET-MTU-006", alone)} == {"outside/runner"}


@pytest.mark.parametrize(("proxy", "localhost"), [("iptables", {"reached"}), ("nftables", {"refused"}), ("ipvs", {"refused"})])
def test_what_is_recorded_goes_by_the_mode_of_the_proxy(documented, inventory, proxy, localhost):
    plans = cells(documented, "NET-SERVICE-009", replace(inventory, proxy=proxy))
    assert [str(plan.probe) for plan in plans] == [f"tcp4:host@n{n}>loopback/web@n{n}" for n in (1, 2, 3)]
    for plan in plans:
        assert localhost <= plan.documented.outcomes
        assert ("reached" in plan.documented.outcomes) is ("reached" in localhost)


def test_services_are_sampled_until_every_backend_answered(documented, inventory):
    (plan, *_) = cells(documented, "NET-SERVICE-001", inventory)
    assert (plan.until, plan.maximum, plan.documented.servers) == (3, 90, "backends")
    assert plan.probe.source.name == "b"  # no backend itself: hairpin is another requirement's subject


def test_udp_node_ports_are_the_weaker_part(documented, inventory):
    levels = {(plan.probe.action, plan.level) for plan in cells(documented, "NET-SERVICE-007", inventory)}
    assert levels == {(Action.TCP, None), (Action.UDP, Level.SHOULD)}


def test_declared_targets_come_before_the_runner(documented, inventory):
    declared = {str(p.probe.target) for p in cells(documented, "NET-EXTERNAL-004", inventory, external=("tcp://192.0.2.1:80", "dns://x/y"))}
    assert declared == {"outside/tcp://192.0.2.1:80"}
    assert {str(p.probe.target) for p in cells(documented, "NET-EXTERNAL-004", inventory)} == {"outside/runner"}


def test_egress_has_its_node_as_control(documented, inventory):
    plan = cells(documented, "NET-EXTERNAL-004", inventory)[0]
    assert [str(probe) for probe in plan.controls] == ["tcp4:host@n1>outside/runner"]
    plan = cells(documented, "NET-EXTERNAL-001", inventory)[1]
    assert [str(probe) for probe in plan.controls] == ["tcp4:outside/runner>host@n2"]


def test_a_declared_target_that_no_node_reaches_is_a_finding(documented, inventory):
    assert cells(documented, "NET-EXTERNAL-006", inventory, external=("tcp://192.0.2.1:80",))[0].controls == ()
    assert len(cells(documented, "NET-EXTERNAL-006", inventory)[0].controls) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plane": None}, "lacks plane"),
        ({"colour": "red"}, "unknown key colour"),
        ({"from": "pood/a"}, "'pood' is not a valid EndpointKind"),
        ({"where": "elsewhere"}, "'elsewhere' is none of same-node, other-node"),
        ({"actions": ["smoke"]}, "'smoke' is not a valid Action"),
        ({"outcomes": ["flaky"]}, "flaky can never be documented"),
        ({"outcomes": 3}, "3 is not a list of words"),
        ({"seen": ["nobody"]}, "'nobody' is none of client, node, tunnel, bridge, receiver"),
        ({"until": 3}, "3 is none of backends, remote"),
        ({"applies": "cni"}, "is not KEY=VALUE"),
        ({"arrives": "elsewhere"}, "'elsewhere' is none of dialled"),
        ({"ttl": "many"}, "invalid literal"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, changes, words):
    with pytest.raises(UsageProblem, match=r"line 1 of `lines` \(NET-X-001\): .*" + re.escape(words)):
        load(tmp_path, **changes)


@pytest.mark.parametrize("text", ["[]", "rows: []", "lines: [1]", "{"])
def test_what_is_no_matrix_is_refused(tmp_path, text):
    (tmp_path / "matrix.yaml").write_text(text)
    with pytest.raises(UsageProblem, match=r"matrix\.yaml"):
        matrix.load(tmp_path / "matrix.yaml")


def test_a_changed_line_changes_the_demand(tmp_path, inventory):
    plan = load(tmp_path, ttl=61, outcomes=["refused"], seen="node").cells("NET-X-001", inventory, available(inventory, Settings()))[0]
    assert (plan.documented.ttl, plan.documented.outcomes, plan.documented.source) == (61, frozenset({Outcome.REFUSED}), ("node",))


def test_a_line_of_its_own_condition(tmp_path, inventory, plain):
    line = load(tmp_path, applies="backend=host-gw")
    assert cells(line, "NET-X-001", inventory) == ()
    assert len(cells(line, "NET-X-001", plain)) == 6  # not known: still demanded, never silently dropped
