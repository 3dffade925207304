"""The faults' data: what is in the tree is whole, and what is wrong in a file is said in one line."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lab import addresses
from lab.errors import UsageError
from lab.injection import drawing, fault
from lab.injection.drawing import NodeFacts
from lab.injection.placeholder import NAME, expand

ROOT = Path(__file__).resolve().parents[3]
FAULTS = fault.catalogue()
REQUIREMENTS = {one["id"] for file in (ROOT / "conformance/catalogue").glob("*.yaml") for one in yaml.safe_load(file.read_text())}
NODES = [NodeFacts(one.name, one.role, one.address, f"10.244.{n}.0/24", "02:00:00:00:00:01") for n, one in enumerate(addresses.nodes(2))]
WANTED = {f"FLT-{number}" for number in ("001", "002", "004", "023", "030", "040", "049", "062", "077", "087", "092")}
MINIMAL = {
    "id": "FLT-900",
    "title": "t",
    "inject": [{"node": "{node}", "run": ["true"]}],
    "must": [{"requirement": "NET-NODE-001", "status": "failed"}],
    "cause": {"id": "forwarding-off", "node": "{node}"},
}
seeds = st.integers(0, drawing.LARGEST_SEED)


def parsed(**changes: object) -> fault.Fault:
    return fault.parse({"FLT-900.yaml": yaml.safe_dump({**MINIMAL, **changes})})["FLT-900"]


def test_the_faults_that_there_must_be() -> None:
    assert set(FAULTS) >= WANTED | {"FLT-001-rp1", "FLT-002-rp1", "FLT-040-devices"}


@pytest.mark.parametrize("one", FAULTS.values(), ids=lambda one: one.id)
def test_every_fault_is_undone_and_seen_to_be(one: fault.Fault) -> None:
    assert one.undo
    assert any(step.is_check for step in one.healed)


@pytest.mark.parametrize("one", FAULTS.values(), ids=lambda one: one.id)
def test_expectations_name_requirements_that_exist(one: fault.Fault) -> None:
    for expected in (*one.must, *one.may):
        for name in expected.requirement:
            assert any(fnmatchcase(known, name) for known in REQUIREMENTS), name


@pytest.mark.parametrize("one", FAULTS.values(), ids=lambda one: one.id)
def test_every_placeholder_is_known(one: fault.Fault) -> None:
    steps = (*one.inject, *one.effective, *one.undo, *one.healed)
    kept = {step.keep for step in steps if step.keep}
    known = set(drawing.draw(one, NODES, 1)) | kept | {"this", "this_address", "this_cidr", "this_mac"}
    for step in steps:
        words = (*step.run, *step.kubectl, step.node, step.text, step.prints, step.lacks)
        assert {name for word in words for name in NAME.findall(word)} <= known
        assert not step.same_as or step.same_as in kept
    cells = [word for x in (*one.must, *one.may) for word in (*x.source, *x.target, *x.node)]
    assert {name for word in cells for name in NAME.findall(word)} <= known


@pytest.mark.parametrize("one", FAULTS.values(), ids=lambda one: one.id)
def test_no_fault_knows_a_node_by_its_number(one: fault.Fault) -> None:
    text = (ROOT / f"lab/faults/{one.id}.yaml").read_text()
    assert not any(f"worker{number}" in text for number in range(10))


@given(st.sampled_from(sorted(FAULTS)), seeds)
def test_the_draw_follows_from_the_seed_alone(name: str, seed: int) -> None:
    one = FAULTS[name]
    drawn = drawing.draw(one, NODES, seed)
    assert drawn == drawing.draw(one, NODES, seed)
    assert {drawn["node"], *drawn["others"]} == {node.name for node in NODES}
    assert drawn["peer"] in drawn["others"]
    assert drawn["role"] in one.roles
    assert drawing.draw(one, NODES, seed, str(drawn["others"][0]))["node"] == drawn["others"][0]


def test_every_node_and_peer_is_drawn_sometime() -> None:
    pairs = {(one["node"], one["peer"]) for one in (drawing.draw(FAULTS["FLT-049"], NODES, seed) for seed in range(200))}
    assert len(pairs) == 6


@given(seeds)
def test_drawn_network_holds_no_address_of_the_lab(seed: int) -> None:
    network = IPv4Network(str(drawing.draw(FAULTS["FLT-001"], NODES, seed)["network"]))
    assert network.prefixlen == 16
    assert not any(network.overlaps(one) for one in (addresses.PODS, addresses.SERVICES, addresses.UNDERLAY))


@given(seeds)
def test_drawn_numbers_and_loopbacks(seed: int) -> None:
    assert 1260 <= int(str(drawing.draw(FAULTS["FLT-062"], NODES, seed)["mtu"])) <= 1400
    assert str(drawing.draw(FAULTS["FLT-092"], NODES, seed)["loopback"]).startswith("127.")


def test_a_node_that_a_fault_may_not_strike() -> None:
    with pytest.raises(UsageError, match="FLT-900 cannot strike k8snet-control: choose one of k8snet-worker1, k8snet-worker2"):
        drawing.draw(parsed(roles=["worker"]), NODES, 1, "k8snet-control")


@given(st.text("{}:\"'. abc", max_size=30))
def test_json_and_jsonpath_are_no_placeholders(text: str) -> None:
    values: Mapping[str, str] = {name: f"<{name}>" for name in NAME.findall(text)}
    assert expand(text, values) == [NAME.sub(lambda match: f"<{match[1]}>", text)]


def test_a_list_gives_one_text_for_every_part() -> None:
    assert expand("{a}-{b}-{a}", {"a": ("1", "2"), "b": "x"}) == ["1-x-1", "2-x-2"]


def test_likeness_reaches_back_to_the_first() -> None:
    inner, outer = FAULTS["FLT-002"], FAULTS["FLT-002-rp1"]
    assert outer.inject[: len(inner.inject)] == inner.inject
    assert inner.inject[: len(FAULTS["FLT-077"].inject)] == FAULTS["FLT-077"].inject
    assert outer.undo[-len(FAULTS["FLT-077"].undo) :] == FAULTS["FLT-077"].undo
    assert outer.flavour["rp_filter"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "FLT-901"}, "FLT-900.yaml: its id is 'FLT-901'"),
        ({"injekt": []}, "FLT-900.yaml: unknown injekt"),
        ({"like": "FLT-901"}, "FLT-900.yaml: like FLT-901: there is no such fault"),
        ({"like": "FLT-900"}, "FLT-900.yaml: like FLT-900: there is no such fault, or it is like this one"),
        ({"roles": ["master"]}, r"roles are worker and control, not \['master'\]"),
        ({"undo": ["renew"]}, "FLT-900.yaml: renew: there is no such block in blocks.yaml"),
        ({"may": ["chance"]}, "FLT-900.yaml: chance: there is no such block in blocks.yaml"),
        ({"undo": [{"run": ["true"]}]}, "needs either run and node, or kubectl"),
        ({"undo": [{"kubectl": ["x"], "run": ["true"], "node": "{node}"}]}, "needs either run and node, or kubectl"),
        ({"undo": [{"kubectl": ["x"], "shell": "y"}]}, "unknown shell"),
        ({"must": [{"requirement": "X"}]}, "each `must` has one status"),
        ({"must": [{"requirement": "X", "status": "red"}]}, "each `must` has one status"),
        ({"must": [{"requirement": "X", "status": "inconclusive"}]}, "it belongs to `may`"),
        ({"may": [{"requirement": "X", "status": "failed"}]}, "no `may` has one"),
        ({"may": [{"cell": "X"}]}, "unknown cell"),
        ({"may": [{"requirement": "X", "where": "here"}]}, "where is same-node or other-node"),
        ({"undo": [{"kubectl": ["x"], "prints": True}]}, "ValueError: True is no text: put it in quotes"),
        ({"undo": [{"kubectl": ["x", 53]}]}, "ValueError: 53 is no text: put it in quotes"),
        ({"cause": {"id": "forwarding-off", "where": "here"}}, "unknown where; there are id, node, peer"),
        ({"cause": {"id": True}}, "True is no text"),
        ({"must": None}, "FLT-900.yaml: TypeError"),
    ],
)
def test_what_is_wrong_in_a_file(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parsed(**changes)


def test_an_unknown_fault() -> None:
    with pytest.raises(UsageError, match="no fault FLT-094: did you mean FLT-0"):
        fault.named(FAULTS, "FLT-094")
