"""Every requirement has one test function, every test function one requirement, and every requirement a proof that it can go red."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import combinations

import pytest
from proofs import PROOFS, UNRECORDED

from pytest_k8snet.plan import catalogue
from pytest_k8snet.plugin.suite import folder

CATALOGUE = catalogue.load(folder() / "catalogue")
INDEPENDENT = (
    "NET-REACH-001", "NET-REACH-002", "NET-REACH-003", "NET-REACH-006", "NET-REACH-015", "NET-NAT-005", "NET-NAT-007", "NET-SERVICE-001",
    "NET-SERVICE-018", "NET-EXTERNAL-001", "NET-PATH-003", "NET-MTU-003", "NET-MTU-005", "NET-DNS-001", "NET-DNS-006", "NET-DNS-026",
    "NET-PROXY-001", "NET-PROXY-002", "NET-PROXY-011", "NET-FLANNEL-006", "NET-FLANNEL-012", "NET-FLANNEL-016", "NET-NODE-001",
)  # fmt: skip


def _functions():
    """(requirement ids of its decorators, name) of every test function of the suite."""
    for file in sorted(folder().rglob("test_*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                calls = [one for one in node.decorator_list if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "requirement"]
                yield tuple(ast.literal_eval(call.args[0]) for call in calls), f"{file.name}::{node.name}"


def test_one_function_for_each_requirement():
    functions = list(_functions())
    assert [name for ids, name in functions if len(ids) != 1] == []
    assert Counter(id for ids, _ in functions for id in ids) == Counter(list(CATALOGUE))


def test_every_requirement_is_proven():
    """The figure is computed: nobody has to remember to raise it."""
    proven = {proof.requirement for proof in PROOFS}
    assert sorted(set(CATALOGUE) - proven) == sorted(UNRECORDED)
    assert sorted(proven - set(CATALOGUE)) == []
    assert len(proven) == len(CATALOGUE) - len(UNRECORDED)


def test_a_proof_goes_by_the_level():
    """A MUST fails. A SHOULD or MAY warns, unless the profile of this cluster or a weaker line of the matrix says otherwise."""
    wrong = [str(proof) for proof in PROOFS if CATALOGUE[proof.requirement].level == "MUST" and proof.status == "warning"]
    assert wrong == ["NET-SERVICE-007: a node port does not answer datagrams"]


def test_every_proof_names_who_what_and_by_whom():
    assert [str(proof) for proof in PROOFS if not (proof.red and proof.text and proof.what)] == []
    assert [name for name, count in Counter(map(str, PROOFS)).items() if count > 1] == []


def test_faults_add_up(evidence, judge, healthy):
    """Faults in different places give exactly the union of their effects: no check hides or spreads what another one sees."""
    chosen = [next(proof for proof in PROOFS if proof.requirement == id) for id in INDEPENDENT]
    assert not any(one.changes.keys() & other.changes.keys() for one, other in combinations(chosen, 2))
    for proof in chosen:
        proof.edit(evidence)
    assert judge(evidence).differs(healthy) == {item: status for proof in chosen for item, status in proof.changes.items()}


@pytest.mark.parametrize(("options", "status"), [(("--k8snet-profile", "core"), "warning"), (("--k8snet-strict",), "failed")])
def test_levels_come_from_the_profile(options, status, evidence, judge):
    """What the profile of a kubeadm cluster demands is a warning by the catalogue alone; strict makes every SHOULD binding."""
    raised = ["NET-NAT-007", "NET-SERVICE-005", "NET-SERVICE-006", "NET-SERVICE-018", "NET-EXTERNAL-005", "NET-DNS-031", "NET-PATH-003"]
    chosen = [next(proof for proof in PROOFS if proof.requirement == id) for id in raised]
    for proof in chosen:
        proof.edit(evidence)
    judged = judge(evidence, *options)
    assert {judged.statuses[f"{proof.requirement} {proof.red[0]}"] for proof in chosen} == {status}
    assert judged.code == (1 if status == "failed" else 0)
