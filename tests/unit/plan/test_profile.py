from __future__ import annotations

import re

import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.model.verdict import Level
from pytest_k8snet.plan import profile

NAMED = {"NET-PROXY-009"}  # names of chains alone only warn
RAISED = {
    "NET-EXTERNAL-004", "NET-EXTERNAL-005", "NET-DNS-031", "NET-NAT-007", "NET-SERVICE-005", "NET-SERVICE-006", "NET-SERVICE-018",
    "NET-MTU-004",
}  # fmt: skip


@pytest.fixture
def resolve(inventory, requirements, profiles):
    return lambda on=inventory, **options: profile.resolve(Settings(**options), on, requirements, profiles)


def test_the_fitting_profile_is_detected(resolve, plain):
    assert (resolve().names, resolve().detected) == (("kubeadm-flannel",), True)
    assert resolve(plain).names == ("core",)


def test_kubeadm_flannel_raises_what_breaks_traffic(resolve, requirements):
    levels = resolve(profiles=("kubeadm-flannel",)).levels
    assert {i for i in levels if levels[i] is not requirements[i].level} == RAISED | NAMED
    assert {levels[i] for i in NAMED} == {Level.SHOULD}
    assert {levels[i] for i in RAISED} == {Level.MUST}


def test_a_profile_keeps_the_levels_of_what_it_extends(resolve):
    levels = resolve(profiles=("article",)).levels
    assert {levels[i] for i in RAISED | {"NET-REACH-007"}} == {Level.MUST}


def test_every_id_is_accounted_for_once(resolve, plain, requirements):
    for found in (
        resolve(),
        resolve(plain),
        resolve(requirements=("NET-NAT-*",)),
        resolve(tier=Tier.RESTRICTED),
        resolve(profiles=("article",)),
    ):
        parts = [set(found.selected), set(found.not_applicable), set(found.not_selected), set(found.unknown)]
        assert set().union(*parts) == set(requirements)
        assert sum(map(len, parts)) == len(requirements)


def test_unknown_is_neither_selected_nor_skipped(resolve, plain):
    found = resolve(plain)
    assert found.unknown["NET-FLANNEL-001"] == "needs cni=flannel, and the cluster does not tell its cni"


def test_a_tier_is_declared_off_with_its_name(resolve):
    found = resolve(tier=Tier.RESTRICTED)
    assert found.not_applicable["NET-NODE-001"].startswith("declared off: reads the node, which needs the tier privileged")
    assert "NET-REACH-005" in found.selected


def test_features_switch_requirements(resolve):
    assert "NET-EXTERNAL-004" in resolve().selected
    assert "declared off" in resolve(features={"egress": False}).not_applicable["NET-EXTERNAL-004"]
    assert "NET-DNS-031" in resolve(external=("dns://192.0.2.1/name.test",)).selected


def test_a_declared_target_makes_a_may_a_should(resolve):
    assert resolve().levels["NET-REACH-019"] is Level.MAY
    assert resolve(external=("tcp://192.0.2.1:80",)).levels["NET-REACH-019"] is Level.SHOULD


def test_a_file_of_the_user(resolve, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: core\nselect: [NET-PATH-*]\nlevels: {NET-PATH-001: MUST}\n")
    found = resolve(profiles=(str(path),))
    assert found.selected == ("NET-PATH-001", "NET-PATH-002", "NET-PATH-003", "NET-PATH-005")
    assert found.levels["NET-PATH-001"] is Level.MUST


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("levels: {NET-PATH-001: OFTEN}", "'OFTEN' is not a valid Level"),
        ("levels: {NET-PATH-999: MUST}", "no requirement 'NET-PATH-999'"),
        ("levels: [1]", "levels is no mapping"),
        ("select: NET-*", "select is no list"),
        ("colour: red", "it may hold extends, levels, select, text"),
        ("extends: mine", "extends itself"),
    ],
)
def test_a_wrong_file_is_named(resolve, tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageProblem, match=re.escape(words)):
        resolve(profiles=(str(path),))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"profiles": ("kubeadm-flanel",)},
            "no profile 'kubeadm-flanel'; did you mean kubeadm-flannel? known: article, core, kubeadm-flannel",
        ),
        ({"requirements": ("NET-XYZ-1",)}, "no requirement matches 'NET-XYZ-1'"),
        ({"features": {"egres": True}}, "no feature 'egres'; known: egress"),
    ],
)
def test_unknown_words_are_usage_problems(resolve, options, words):
    with pytest.raises(UsageProblem, match=re.escape(words)):
        resolve(**options)


def test_profiles_that_extend_each_other_are_refused(resolve, tmp_path):
    (tmp_path / "a.yaml").write_text(f"extends: {tmp_path}/b.yaml\n")
    (tmp_path / "b.yaml").write_text(f"extends: {tmp_path}/a.yaml\n")
    with pytest.raises(UsageProblem, match=r"a\.yaml extends itself, through b\.yaml"):
        resolve(profiles=(str(tmp_path / "a.yaml"),))
