"""The suite demands what conformance/matrix.yaml says, nothing else: a changed line changes the demand."""

from __future__ import annotations

import re
import shutil

import pytest

from pytest_k8snet.plugin import suite


@pytest.fixture
def matrix(tmp_path, monkeypatch):
    """A copy of the suite takes the place of the bundled one; gives a function that changes a line of its matrix."""
    copy = tmp_path / "conformance"
    shutil.copytree(suite.folder(), copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(suite, "folder", lambda: copy)
    path = copy / "matrix.yaml"

    def change(requirement, plane, old, new):
        rules = re.split(r"(?m)^(?=- \{)", path.read_text("utf-8"))
        found = [index for index, rule in enumerate(rules) if f"requirement: {requirement}," in rule and plane in rule]
        assert len(found) == 1, f"{len(found)} lines of {requirement} with {plane}"
        assert old in rules[found[0]]
        rules[found[0]] = rules[found[0]].replace(old, new)
        path.write_text("".join(rules), "utf-8")

    return change


def test_the_copy_demands_the_same(matrix, recorded, judge, healthy):
    assert judge(recorded).differs(healthy) == {}


def test_changed_lines_change_the_demand(matrix, recorded, judge, healthy):
    matrix("NET-PATH-002", "pod to pod", "ttl: 62", "ttl: 61")
    matrix("NET-NAT-002", "actions: [udp]", "seen: client", "seen: node")
    matrix("NET-REACH-012", "own node", "documented:", "outcomes: [refused], documented:")
    matrix("NET-SERVICE-018", "from: host", "within: 1.0", "within: 0.0")
    matrix("NET-DNS-026", "pod/a", "tcp-cluster: kubernetes", "tcp-cluster: web")
    judged = judge(recorded)
    changed = judged.differs(healthy)
    pairs = [(one, other) for one in ("control", "w1", "w2") for other in ("control", "w1", "w2") if one != other]
    assert changed == {
        **{f"NET-PATH-002 pod/a@{one} > pod/a@{other} icmp": "warning" for one, other in pairs},
        **{f"NET-NAT-002 pod/a@{one} > pod/a@{other} udp": "failed" for one, other in pairs},
        **{f"NET-REACH-012 pod/a@{node} > host@{node} tcp": "failed" for node in ("control", "w1", "w2")},
        **{
            f"NET-SERVICE-018 host@{node} > service/empty {protocol}": "failed"
            for node in ("control", "w1", "w2")
            for protocol in ("tcp", "udp")
        },
        **{f"NET-DNS-026 pod/a@{node}": "failed" for node in ("control", "w1", "w2")},
    }
    assert "documented: refused - a pod reaches hostNetwork pods of its own node" in judged.message("NET-REACH-012 pod/a@w1 > host@w1 tcp")


def test_a_line_less_is_a_demand_less(matrix, recorded, judge, healthy):
    """A part that is no longer demanded is gone; a requirement that is left without any line is not assessed, and never passes."""
    matrix("NET-REACH-014", "actions: [udp]", "NET-REACH-014", "NET-REACH-004")
    matrix("NET-REACH-008", "other node", "NET-REACH-008", "NET-REACH-007")
    changed = judge(recorded).differs(healthy)
    assert changed.pop("NET-REACH-008 cluster") == "inconclusive"
    gone = {item.split()[0] for item, status in changed.items() if status == "gone"}
    assert gone == {"NET-REACH-014", "NET-REACH-008"}
    assert all(item.endswith(" udp") for item in changed if item.startswith("NET-REACH-014"))
    added = {item.split()[0] for item, status in changed.items() if status == "passed"}
    assert added == {"NET-REACH-004", "NET-REACH-007"}
    assert set(changed.values()) == {"gone", "passed"}
