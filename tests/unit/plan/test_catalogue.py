from __future__ import annotations

import re

import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.verdict import Level
from pytest_k8snet.plan import catalogue

ENTRY = """- {{id: {id}, title: t, level: {level}, basis: MODEL, applies: "{applies}", class: active, statement: s, meaning: m, source: x}}
"""


def write(folder, **fields):
    known = {"id": "NET-REACH-001", "level": "MUST", "applies": "any"} | fields
    with (folder / "reach.yaml").open("a") as file:
        file.write(ENTRY.format(**known))


def test_the_suite_has_its_first_part(requirements):
    groups = {
        "REACH": 20,
        "NAT": 11,
        "SERVICE": 26,
        "EXTERNAL": 6,
        "PATH": 4,
        "MTU": 7,
        "DNS": 32,
        "PROXY": 29,
        "FLANNEL": 25,
        "NODE": 18,
        "IPV6": 8,
        "POLICY": 2,
    }
    assert {group: sum(r.group == group for r in requirements.values()) for group in groups} == groups
    assert len(requirements) == sum(groups.values())


def test_texts_are_for_people(requirements):
    for requirement in requirements.values():
        assert requirement.meaning.endswith(".")
        assert not re.search(r"- |\s{2}|FLT-", requirement.meaning + requirement.source), requirement.id


def test_loads_values(tmp_path):
    write(tmp_path, level="SHOULD")
    assert catalogue.load(tmp_path)["NET-REACH-001"].level is Level.SHOULD


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"level": "PERHAPS"}, "reach.yaml: NET-REACH-001: level is 'PERHAPS'"),
        ({"id": "REACH-1"}, "id is 'REACH-1'"),
        ({"applies": "cni"}, "'cni' in the condition 'cni' is not KEY=VALUE"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, fields, words):
    write(tmp_path, **fields)
    with pytest.raises(UsageProblem, match=re.escape(words)):
        catalogue.load(tmp_path)


def test_an_id_is_defined_once(tmp_path):
    write(tmp_path)
    write(tmp_path)
    with pytest.raises(UsageProblem, match="NET-REACH-001 is defined twice"):
        catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {id: [", "cannot be read"),
        ("- just text", "not a mapping"),
        ("- {id: NET-A-001}", "missing or unknown: applies"),
        ("", "no catalogue"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, words):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(UsageProblem, match=words):
        catalogue.load(tmp_path)


def test_unknown_ids_and_globs_show_the_nearest(requirements):
    with pytest.raises(UsageProblem, match="no requirement 'NET-REACH-05' in the catalogue; nearest: NET-REACH-0"):
        requirements["NET-REACH-05"]
    with pytest.raises(UsageProblem, match="no requirement matches 'NET-FOO-\\*'"):
        requirements.matching(["NET-FOO-*"])
    found = requirements.matching(["net-path-*", "NET-MTU-001"])
    assert found == ("NET-MTU-001", "NET-PATH-001", "NET-PATH-002", "NET-PATH-003", "NET-PATH-005")
