"""From results to verdict, exit code and last line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.model.cause import Cause
from pytest_k8snet.model.requirement import Requirement
from pytest_k8snet.model.result import Result, Subject
from pytest_k8snet.model.verdict import Level, RunVerdict, Status
from pytest_k8snet.report.assessment import About, Assessment
from pytest_k8snet.report.results import dumps, loads
from pytest_k8snet.report.terminal import brief, last_line, left_behind, summary
from pytest_k8snet.report.verdict import exit_code, of_run

ABOUT = About("abc123", "2026-01-01T00:00:00+00:00", "2026-01-01T00:01:00+00:00", ("--k8s-context", "lab"), "live", "0.1.0", "digest")


def result(level="MUST", status="passed", id="NET-REACH-005", message="", node="worker1", evidence=()):
    return Result(id, Level(level), "MODEL", Status(status), Subject(node=node), message, tuple(evidence))


def assessment(*results, **more):
    requirements = {
        r.requirement: Requirement(r.requirement, "A title", r.level, r.basis, "any", "active", "", "", "It matters.") for r in results
    }
    verdict = of_run(results)
    return Assessment(ABOUT, verdict, exit_code(verdict, bool(more.get("left_behind"))), results, requirements, **more)


@pytest.mark.parametrize(
    ("given_results", "verdict"),
    [
        ([], "INCONCLUSIVE"),
        ([("MUST", "skipped")], "INCONCLUSIVE"),
        ([("MUST", "passed")], "PASS"),
        ([("MUST", "passed"), ("MUST", "inconclusive")], "INCONCLUSIVE"),
        ([("MUST", "passed"), ("SHOULD", "inconclusive")], "PASS"),
        ([("MUST", "passed"), ("SHOULD", "warning")], "PASS-WITH-WARNINGS"),
        ([("MUST", "passed"), ("MAY", "warning")], "PASS"),
        ([("SHOULD", "inconclusive"), ("MUST", "skipped")], "INCONCLUSIVE"),
        ([("MUST", "failed"), ("MUST", "inconclusive")], "FAIL"),
        ([("SHOULD", "failed")], "FAIL"),
    ],
)
def test_verdict(given_results, verdict):
    assert of_run([result(level, status) for level, status in given_results]) == verdict


@pytest.mark.parametrize(("level", "verdict"), [("SHOULD", "INCONCLUSIVE"), ("MAY", "PASS")])
def test_a_should_must_be_observed_under_strict(level, verdict):
    assert of_run([result(), result(level, "inconclusive")], strict=True) == verdict


def test_the_last_line_counts_every_should_that_was_not_assessed():
    open_should = [result("SHOULD", "inconclusive", "NET-DNS-001", node=node) for node in ("w1", "w2")]
    assert "1 SHOULD not assessed" in last_line(assessment(result(), *open_should), [], " - ")
    open_should.append(result("SHOULD", "inconclusive", "NET-DNS-003"))
    assert "2 SHOULDs not assessed" in last_line(assessment(result(), *open_should), [], " - ")
    assert "not assessed" not in last_line(assessment(result()), [], " - ")


def test_a_broken_item_is_never_a_pass():
    assert of_run([result(), result("MAY", "inconclusive")], problems=1) is RunVerdict.INCONCLUSIVE


@given(st.lists(st.tuples(st.sampled_from(list(Level)), st.sampled_from(list(Status)))), st.booleans())
def test_zero_only_if_something_was_observed_and_no_must_is_open(pairs, left):
    results = [result(level, status) for level, status in pairs]
    if exit_code(of_run(results), left) == 0:
        assert not left
        assert any(status in ("passed", "warning") for _, status in pairs)
        assert not any(status == "failed" or (level == "MUST" and status == "inconclusive") for level, status in pairs)


def test_one_beats_twelve_beats_ten():
    assert exit_code(RunVerdict.FAIL, True) == 1
    assert exit_code(RunVerdict.INCONCLUSIVE, True) == 12
    assert exit_code(RunVerdict.INCONCLUSIVE, False) == 10
    assert exit_code(RunVerdict.PASS, True) == 12
    assert exit_code(RunVerdict.PASS, False, other_failures=True) == 1


@given(st.builds(result, st.sampled_from(list(Level)), st.sampled_from(list(Status)), message=st.text(), node=st.text()))
def test_results_survive_the_way_to_the_controller(one):
    assert loads(dumps([one])) == (one,)


def test_last_line():
    found = assessment(result(), result(id="NET-DNS-001", status="warning", level="SHOULD"))
    line = last_line(found, [Path("/build/report.json")], " - ")
    assert line == "k8snet: PASS-WITH-WARNINGS - requirements: 1 passed, 1 warned - 0 left behind - report /build/report.json"


def test_last_line_without_a_verdict():
    found = assessment(problem="context lab: no such host")
    assert last_line(found, [], " - ") == "k8snet: no verdict - context lab: no such host - 0 left behind"


def test_leftovers_are_named_with_the_way_to_remove_them():
    lines = list(left_behind(assessment(result(), left_behind=("namespace k8snet-x-restricted",))))
    assert lines[0] == "k8snet: left behind: namespace k8snet-x-restricted"
    assert "--k8snet-sweep" in lines[1]


def test_nodes_that_say_the_same_are_one_line():
    bad = [result(status="failed", node=node, message=f"{node} lacks an entry") for node in ("w1", "w2")]
    lines = list(summary(assessment(*bad)))
    assert "         every node: w1 lacks an entry" in lines
    good = result(node="w3")
    assert "         w1, w2: w1 lacks an entry" in list(summary(assessment(*bad, good)))


def test_a_finding_shows_what_was_found_and_names_the_node_once():
    message = "cluster: pods of flannel\n    w1: expected Running, found Pending\n    w2: expected Running, found Failed"
    lines = list(summary(assessment(result(status="failed", node="", message=message))))
    assert lines[2:] == ["         cluster: w1: expected Running, found Pending", "           in pods of flannel (+1 more, -v shows all)"]


def resolver(node, difference):
    subject = Subject(source=f"pod/a@{node}", node=node)
    return Result("NET-DNS-019", Level.MUST, "MODEL", Status.FAILED, subject, f"pod/a@{node}: answers\n    {difference}")


def test_resolvers_that_say_the_same_are_one_line_with_an_example():
    bad = [resolver(node, "tcp-kubernetes: expected 10.96.0.1, found timeout") for node in ("w1", "w2")]
    line = "         every node, for example pod/a@w1: tcp-kubernetes: expected 10.96.0.1, found timeout"
    assert list(summary(assessment(*bad)))[2:] == [line, "           in answers"]
    assert list(summary(assessment(bad[0])))[2].startswith("         pod/a@w1: tcp-kubernetes: expected")


def test_what_was_found_stays_readable_however_long_the_rest_is():
    bad = resolver("w1", f"{'k' * 90}: expected {'192.0.2.1, ' * 40}192.0.2.2, found timeout (question {'q' * 90})")
    lines = list(summary(assessment(*[bad] * 9, result(id="NET-DNS-019"))))
    assert max(map(len, lines)) <= 110
    assert any(line.endswith(", found timeout") and ": expected 192.0.2.1" in line for line in lines)


def test_the_level_is_that_of_the_most_binding_item_that_failed():
    both = assessment(result("SHOULD", "failed"), result("MUST", "failed"), result("MUST", "passed", "NET-DNS-001"))
    assert list(brief(both)) == ["failed   NET-REACH-005 MUST A title"]
    assert list(brief(assessment(result("SHOULD", "failed"), result("MUST")))) == ["failed   NET-REACH-005 SHOULD A title"]


def test_the_state_of_nodes_comes_first_and_warnings_last():
    ids = ["NET-DNS-001", "NET-FLANNEL-001", "NET-MTU-001", "NET-NAT-001", "NET-NODE-001", "NET-PROXY-001"]
    found = [result(status="failed", id=id) for id in ids] + [result("SHOULD", "warning", "NET-FLANNEL-002")]
    order = [line.split()[1] for line in brief(assessment(*found))]
    assert order == [*ids[1:3], *ids[4:], ids[0], ids[3], "NET-FLANNEL-002"]
    assert list(brief(assessment(result()))) == []


def test_a_warning_says_why_it_matters_and_a_clean_run_says_nothing():
    warned = list(summary(assessment(result("SHOULD", "warning", message="odd"))))
    assert any("why it matters: It matters." in line for line in warned)
    assert list(summary(assessment(result()))) == []


def test_no_line_is_wider_than_the_terminal():
    long = "word " * 100
    found = assessment(result(status="failed", message=long), result("SHOULD", "inconclusive", "NET-DNS-001", long))
    assert max(len(line) for line in summary(found)) <= 110


def explained(*results):
    return Cause("forwarding-off", "the kernel does not forward", "set it to 1", "worker1", explains=results, shown_by=results[:1])


def test_with_causes_only_what_none_explains_is_told_besides():
    known, unknown = result(status="failed", id="NET-NODE-001"), result(status="failed", id="NET-DNS-006")
    found = assessment(known, unknown, causes=(explained(known),))
    text = "\n".join(summary(found))
    assert "1  the kernel does not forward" in text
    assert " findings without a cause " in text
    assert "failed   NET-DNS-006" in text
    assert "failed   NET-NODE-001" not in text
    assert "failed   NET-NODE-001" in "\n".join(summary(found, every=True))
    assert "FAIL (1 cause)" in last_line(found, [], " - ")
    assert next(brief(found)) == "cause    forwarding-off on worker1: the kernel does not forward"


def test_a_failed_search_for_causes_is_told():
    lines = list(summary(assessment(result(status="failed"), undiagnosed="KeyError: 'spec'")))
    assert "causes could not be looked for, please report it: KeyError: 'spec'" in lines
