"""Recordings whose content no run has written: one line and exit 4, before anything is judged."""

from __future__ import annotations

import cluster_recording
import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.plugin import recorded


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        (["x"], "its settings are no mapping"),
        ({"tier": "super"}, "its setting tier is 'super'"),
        ({"features": ["x"]}, "its setting features is"),
        ({"external": 5}, "its setting external is 5"),
        ({"probe_timeout": "2"}, "its setting probe_timeout is '2'"),
    ],
)
def test_settings_of_another_shape_are_refused(noted, said):
    with pytest.raises(UsageProblem, match=said):
        recorded.under(Settings(), noted, "")


def test_settings_of_a_run_are_taken():
    made = Recording()
    settings = Settings(tier=Tier.BASELINE, probe_timeout=3, external=("tcp://192.0.2.1:80",), features={"egress": False}, strict=True)
    recorded.note(made, settings)
    assert recorded.under(Settings(), made.meta[recorded.KEY], "") == settings


@pytest.mark.parametrize("body", [[], {"items": [{}]}, {"items": 5}])
def test_objects_of_another_shape_are_refused(tmp_path, body):
    made = cluster_recording.recording(("one",))
    made.append("objects", {"name": "nodes", "status": 200, "body": body})
    with pytest.raises(UsageProblem, match=r"r\.zip is damaged: its API objects cannot be read"):
        recorded.described(tmp_path / "r.zip", made)
