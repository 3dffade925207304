"""Every requirement of the matrix passes in a healthy world and fails, or stays open, when its cell is broken."""

from __future__ import annotations

import copy

import pytest
from cell_world import IDS, IPV6, SUITE, World, any_cell, suite_functions
from cell_world import wire as message

from pytest_k8snet.evidence.cells import cell
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.model.verdict import Inconclusive

PROPERTIES = ("NET-NAT-", "NET-PATH-", "NET-SERVICE-005", "NET-SERVICE-010", "NET-EXTERNAL-005")
REFUSED = "NET-SERVICE-018"
UNANSWERED = ("NET-SERVICE-026", "NET-EXTERNAL-007", "NET-MTU-004")
MUTUAL = "NET-REACH-018"
REACHED = [i for i in IDS if not i.startswith((*PROPERTIES, *UNANSWERED)) and i not in (REFUSED, MUTUAL)]
EVERYTHING = [i for i in IDS if i.startswith(PROPERTIES)]


def test_every_requirement_has_one_function():
    assert {*IDS, *IPV6} == set(suite_functions())


@any_cell
def test_healthy(world, requirement):
    assert {world.judge(requirement, number) for number in range(len(world.plans[requirement]))} == {("passed", "")}


@pytest.mark.parametrize("requirement", REACHED)
def test_no_answer_fails(world, requirement):
    world.alter(requirement, outcome="timeout", seconds=1.0)
    status, message = world.judge(requirement)
    assert status == "failed"
    assert "timeout (1.00 s); documented: reached" in message


@pytest.mark.parametrize("requirement", [i for i in REACHED if not i.startswith("NET-MTU-00") or i == "NET-MTU-003"])
def test_a_flaky_cell_fails(world, requirement):
    sample = world.samples(requirement)[2]
    sample |= {"outcome": "timeout", "reply": {}}
    status, message = world.judge(requirement)
    assert (status, "2 of 3 samples reached, 1 timeout" in message) == ("failed", True)


@pytest.mark.parametrize("requirement", EVERYTHING)
def test_a_property_of_what_was_not_reached_is_open(world, requirement):
    world.alter(requirement, outcome="timeout")
    reach = world.plans[requirement][0].reach
    assert world.judge(requirement) == ("inconclusive", f"not reached, see {reach}")


@any_cell
def test_what_was_not_observed_is_open(world, requirement):
    world.drop_frames(requirement)
    status, message = world.judge(requirement)
    assert (status, message.startswith("not observed: the recording holds no answer of")) == ("inconclusive", True)


@any_cell
def test_one_broken_cell_leaves_the_others(world, requirement):
    last = len(world.plans[requirement]) - 1
    unanswered = requirement in UNANSWERED
    reply = {"server": "pod/a@n1"} if unanswered else {}
    world.alter(requirement, last, outcome="reached" if unanswered else "host-unreachable", reply=reply)
    statuses = [world.judge(requirement, number)[0] for number in range(last + 1)]
    assert statuses[:-1] == ["passed"] * last
    assert statuses[-1] != "passed"


@pytest.mark.parametrize("requirement", ["NET-NAT-001", "NET-NAT-002", "NET-NAT-004", "NET-NAT-005", "NET-NAT-006", "NET-NAT-007",
                                         "NET-SERVICE-005", "NET-SERVICE-010",
                                         "NET-EXTERNAL-005", "NET-SERVICE-006"])  # fmt: skip
def test_a_wrong_source_fails(world, requirement):
    world.samples(requirement)[3]["reply"]["peer"] = "10.4.9.9"
    status, message = world.judge(requirement)
    assert (status, "source seen 10.4" in message, "10.4.9.9" in message) == ("failed", True, True)


def test_one_direction_alone_fails(world):
    world.alter(MUTUAL, outcome="timeout", seconds=1.0)
    status, message = world.judge(MUTUAL)
    assert (status, "0 of 3 samples reached, 3 timeout (1.00 s), the way back 3 of 3;" in message) == ("failed", True)


def test_the_way_back_alone_fails(world):
    for sample in world.frames[str(world.plans[MUTUAL][0].controls[0])]["samples"]:
        sample |= {"outcome": "refused", "reply": {}}
    status, message = world.judge(MUTUAL)
    assert (status, "3 of 3 samples reached, the way back 0 of 3, 3 refused (0.00 s); documented: reached, both ways alike" in message) == (
        "failed",
        True,
    )


def test_two_ways_that_fail_do_not_agree(world):
    world.alter(MUTUAL, outcome="timeout")
    for sample in world.frames[str(world.plans[MUTUAL][0].controls[0])]["samples"]:
        sample |= {"outcome": "refused", "reply": {}}
    assert world.judge(MUTUAL) == ("inconclusive", "neither way is reached (timeout, back refused), see NET-REACH-005")


def test_a_way_back_that_was_not_asked_is_open(world):
    frame = world.frames[str(world.plans[MUTUAL][0].controls[0])]
    world.recording.streams["frames"] = [entry for entry in world.recording.streams["frames"] if entry["frame"] is not frame]
    assert world.judge(MUTUAL)[0] == "inconclusive"


def test_another_destination_fails(world):
    world.samples("NET-NAT-003")[2]["reply"]["local"] = "10.4.9.9"
    status, message = world.judge("NET-NAT-003")
    assert (status, "arrived at 10.4.1.8, 10.4.9.9; documented: reached, at 10.4.1.8" in message) == ("failed", True)
    world.samples("NET-NAT-003")[2]["reply"].pop("local")
    assert world.judge("NET-NAT-003") == ("inconclusive", "not observed: at which address it arrived (pod/a@n1 > pod/b@n1)")


def test_another_way_fails(world):
    world.samples("NET-PATH-005")[1]["detail"]["hops"].insert(1, "192.0.2.1")
    status, message = world.judge("NET-PATH-005")
    assert status == "failed"
    assert "by way of 10.4.1.1, 192.0.2.1, 10.4.2.0, 10.4.2.7; documented: reached, by way of 10.4.1.1, 10.4.2.0, 10.4.2.7" in message


def test_a_trace_without_routers_was_not_observed(world):
    world.alter("NET-PATH-005", detail={})
    assert world.judge("NET-PATH-005") == ("inconclusive", "not observed: the routers on the way (pod/b@n1 > pod/a@n2)")


def test_an_agent_that_ignores_the_name_proves_nothing(world):
    number = next(n for n, plan in enumerate(world.plans["NET-SERVICE-004"]) if plan.probe.detail)
    world.alter("NET-SERVICE-004", number, detail={})
    assert world.judge("NET-SERVICE-004", number) == ("inconclusive", "not observed: which address pod/b@n1 found by name")


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"detail": {"resolved": ["192.0.2.1"]}}, "failed", "by name 192.0.2.1; documented: reached, by one of "),
        ({"reply_server": "pod/b@n1"}, "failed", "answered by pod/b@n1 (3), by name 10.96.7.7; documented: reached"),
    ],
)
def test_a_name_leads_to_the_service_and_its_backends(world, fields, status, text):
    number = next(n for n, plan in enumerate(world.plans["NET-SERVICE-004"]) if plan.probe.detail)
    world.alter("NET-SERVICE-004", number, **fields)
    found = world.judge("NET-SERVICE-004", number)
    assert found[0] == status
    assert text in found[1]


@pytest.mark.parametrize(
    ("wire", "status", "text"),
    [
        (message("10.96.0.1", "192.0.2.1"), "failed", "by name 10.96.0.1, 192.0.2.1; documented: reached, by name 10.96.0.1 - "),
        (message(), "failed", "by name none; documented"),
        (
            message("10.96.0.1", name="other.test."),
            "inconclusive",
            "answers other.test. A, not kubernetes.default.svc.cluster.local A",
        ),
        ("", "inconclusive", "not observed: what service/kube-dns answered pod/a@n1: DNS message"),
    ],
)
def test_a_name_server_gives_the_address_of_the_api(world, wire, status, text):
    world.alter("NET-DNS-028", detail={"wire": wire})
    found = world.judge("NET-DNS-028")
    assert found[0] == status
    assert text in found[1]


@pytest.mark.parametrize("requirement", ["NET-SERVICE-007", "NET-SERVICE-008", "NET-SERVICE-009", "NET-EXTERNAL-001", "NET-EXTERNAL-002"])
def test_only_backends_answer_at_a_node_port(world, requirement):
    world.alter(requirement, reply_server="pod/b@n1")
    status, message = world.judge(requirement)
    assert status == "failed"
    assert "answered by pod/b@n1" in message
    assert "documented: reached, by one of pod/a@n1, pod/a@n2, pod/a@n3" in message


def test_bulk_to_the_local_backend_alone_says_nothing_about_tunnels(world):
    world.alter("NET-MTU-006", reply_server="pod/a@n1")
    assert world.judge("NET-MTU-006") == ("inconclusive", "not observed: only pod/a@n1 answered, no backend of another node")


@pytest.mark.parametrize("requirement", UNANSWERED)
def test_an_answer_where_none_is_documented_is_told(world, requirement):
    world.alter(requirement, outcome="reached", reply={"server": "pod/a@n1"})
    assert world.judge(requirement)[0] == "failed"


@pytest.mark.parametrize("requirement", ["NET-PATH-001", "NET-PATH-002", "NET-PATH-003"])
def test_a_wrong_ttl_fails(world, requirement):
    for number in range(len(world.plans[requirement])):
        world.samples(requirement, number)[1]["reply"]["ttl"] = 60
        assert world.judge(requirement, number)[0] == "failed"


@pytest.mark.parametrize("requirement", ["NET-SERVICE-001", "NET-SERVICE-002", "NET-SERVICE-003"])
def test_a_backend_that_never_answers_fails(world, requirement):
    for sample in world.samples(requirement):
        sample["reply"]["server"] = "pod/a@n1"
    status, message = world.judge(requirement)
    assert status == "failed"
    assert "answered by pod/a@n1 (3), never by pod/a@n2, pod/a@n3; documented: reached, by each of pod/a@n1, pod/a@n2, pod/a@n3" in message


@pytest.mark.parametrize("requirement", ["NET-SERVICE-001", "NET-SERVICE-002", "NET-SERVICE-003"])
def test_a_lost_sample_fails_although_every_backend_answered(world, requirement):
    samples = world.samples(requirement)
    samples.append(samples[3] | {"n": 4, "outcome": "timeout", "seconds": 1.0, "reply": {}})
    status, message = world.judge(requirement)
    assert (status, "3 of 4 samples reached, 1 timeout (1.00 s)" in message) == ("failed", True)


def test_a_backend_that_never_became_ready_is_not_missed(world):
    next(e for e in world.recording.streams["fleet"] if e["endpoint"] == "pod/a@n3")["problem"] = "not ready"
    for sample in world.samples("NET-SERVICE-001"):
        sample["reply"]["server"] = f"pod/a@n{sample['n'] % 2 + 1}"
    assert world.judge("NET-SERVICE-001")[0] == "passed"


def test_hairpin_means_that_the_pod_itself_answers(world):
    world.alter("NET-SERVICE-006", reply_server="pod/a@n2")
    assert world.judge("NET-SERVICE-006")[0] == "failed"


@pytest.mark.parametrize("number", range(12))
def test_no_endpoints_is_a_quick_refusal(world, number):
    world.alter(REFUSED, number, outcome="timeout")
    assert world.judge(REFUSED, number)[0] == "failed"
    world.alter(REFUSED, number, outcome="refused", seconds=1.02)
    status, message = world.judge(REFUSED, number)
    assert (status, message.startswith("took 1.02 s: ")) == ("failed", True)


def test_one_timeout_among_refusals_is_a_timeout(world):
    world.samples(REFUSED)[1]["outcome"] = "timeout"
    status, message = world.judge(REFUSED)
    assert (status, "1 timeout (0.00 s), 2 refused (0.00 s); documented: refused" in message) == ("failed", True)


def test_a_stranger_at_a_service_without_endpoints_fails(world):
    world.alter(REFUSED, outcome="reached", reply={"server": "pod/a@n1"})
    assert world.judge(REFUSED)[0] == "failed"


@pytest.mark.parametrize("requirement", ["NET-EXTERNAL-001", "NET-EXTERNAL-004", "NET-EXTERNAL-006", "NET-REACH-019"])
def test_egress_is_judged_by_difference(world, requirement):
    world.alter(requirement, outcome="timeout")
    assert world.judge(requirement)[0] == "failed"
    for control in world.plans[requirement][0].controls:
        for sample in world.frames[str(control)]["samples"]:
            sample |= {"outcome": "timeout", "reply": {}}
    status, message = world.judge(requirement)
    assert (status, message.startswith("not assessed: "), "but neither does " in message) == ("inconclusive", True, True)


def test_a_declared_target_is_only_connected_to():
    world = World(Settings(external=("tcp://192.0.2.1:80",)))
    assert world.judge("NET-EXTERNAL-004")[0] == "passed"
    world.alter("NET-EXTERNAL-004", outcome="refused")
    assert world.judge("NET-EXTERNAL-004")[0] == "failed"


def test_a_damaged_transfer_fails(world):
    world.alter("NET-MTU-005", outcome="timeout", seconds=4.0, detail={"phase": "down", "received": 14480})
    status, message = world.judge("NET-MTU-005")
    assert (status, "0 of 1 samples reached, 1 timeout on the way down after 14480 bytes (4.00 s)" in message) == ("failed", True)


@pytest.mark.parametrize(
    ("old", "new", "requirement"),
    [
        ("ttl: 62", "ttl: 61", "NET-PATH-002"),
        ("seen: tunnel", "seen: node", "NET-NAT-005"),
        ("where: other-node, actions: [tcp],\n   documented: \"pods reach", "where: other-node, actions: [tcp], outcomes: [refused],\n"
         "   documented: \"pods reach", "NET-REACH-005"),
    ],
)  # fmt: skip
def test_changing_a_line_of_the_matrix_changes_what_is_demanded(tmp_path, old, new, requirement):
    text = (SUITE / "matrix.yaml").read_text()
    assert text.count(old) == 1
    (tmp_path / "matrix.yaml").write_text(text.replace(old, new))
    assert World(matrix_path=tmp_path / "matrix.yaml").judge(requirement)[0] == "failed"
    assert World().judge(requirement)[0] == "passed"


def test_judging_changes_no_recording(world):
    before = copy.deepcopy(world.recording)
    for requirement in IDS:
        world.judge(requirement)
    assert world.recording == before


def test_one_shot_form(world):
    plan = world.plans["NET-REACH-005"][0]
    assert cell(world.recording, world.inventory, plan).evidence[0]["probe"] == "tcp4:pod/a@n1>pod/a@n2"
    world.drop_frames("NET-REACH-005")
    with pytest.raises(Inconclusive):
        cell(world.recording, world.inventory, plan)
