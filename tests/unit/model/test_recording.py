"""A recording comes back as it was written, or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.observation import Observation, Outcome, Sample
from pytest_k8snet.model.probe import Action, Family, Probe
from pytest_k8snet.model.recording import STREAMS, DamagedRecording, Recording
from pytest_k8snet.model.verdict import Status, worst

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5)
NAMES = st.text("abcz0189-./:", min_size=1, max_size=12).filter(lambda name: not name.startswith("/"))
ENDPOINTS = st.builds(Endpoint, st.sampled_from(EndpointKind), NAMES, NAMES.map(lambda name: name.replace("/", "")))


@given(st.dictionaries(st.sampled_from(STREAMS), st.lists(st.dictionaries(st.text(), VALUES), max_size=3)))
def test_it_comes_back_as_it_was_written(tmp_path_factory, entries):
    recording = Recording({"run_id": "x"})
    for stream, values in entries.items():
        for value in values:
            recording.append(stream, value)
    path = tmp_path_factory.mktemp("recording") / "run.zip"
    recording.write(path)
    assert Recording.read(path) == recording


@pytest.mark.parametrize("part", ["meta.json", "frames.jsonl", "objects.jsonl"])
def test_a_changed_part_is_named(tmp_path, part):
    path = tmp_path / "run.zip"
    Recording({"run_id": "x"}).write(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data + b" " if name == part else data)
    with pytest.raises(DamagedRecording, match=f"run.zip is damaged: {part} does not match its checksum"):
        Recording.read(path)


def test_missing_parts_are_named(tmp_path):
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.json", "{}")
    with pytest.raises(DamagedRecording, match=r"run\.zip is no recording, or damaged: it lacks checksums\.json, objects\.jsonl, "):
        Recording.read(path)


def test_another_format_is_refused_with_the_way_out(tmp_path, monkeypatch):
    path = tmp_path / "run.zip"
    monkeypatch.setattr("pytest_k8snet.model.recording.FORMAT", 99)
    Recording().write(path)
    monkeypatch.undo()
    with pytest.raises(DamagedRecording, match=r"another recording format than 1; use the version of pytest-k8snet that wrote it"):
        Recording.read(path)


@pytest.mark.parametrize("content", [b"", b"no zip at all", json.dumps({}).encode()])
def test_what_is_no_recording_is_said_so(tmp_path, content):
    path = tmp_path / "run.zip"
    path.write_bytes(content)
    with pytest.raises(DamagedRecording, match=r"run\.zip is not a readable recording"):
        Recording.read(path)


def rewritten(path, **parts):
    """The recording at `path` with other parts under right checksums; `checksums` replaces those."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= {f"{name}.json" if name == "meta" else f"{name}.jsonl": text.encode() for name, text in parts.items() if name != "checksums"}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in content.items() if name != "checksums.json"}
    content["checksums.json"] = parts.get("checksums", json.dumps(sums)).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"checksums": "{}"}, r"meta\.json has no checksum"),
        ({"checksums": "[]"}, r"meta\.json has no checksum"),
        ({"meta": "[1]"}, r"meta\.json is no mapping"),
        ({"frames": "5"}, r"frames\.jsonl holds an entry that is no mapping"),
    ],
)
def test_a_wrong_shape_is_damage(tmp_path, parts, said):
    path = tmp_path / "run.zip"
    Recording().write(path)
    rewritten(path, **parts)
    with pytest.raises(DamagedRecording, match=said):
        Recording.read(path)


def test_a_flipped_bit_is_damage_or_changes_nothing(tmp_path):
    path = tmp_path / "run.zip"
    whole = Recording({"run_id": "abc123"})
    whole.append("events", {"what": "x" * 200})
    whole.write(path)
    good = path.read_bytes()
    refused = 0
    for bit in range(0, len(good) * 8, 5):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            assert Recording.read(path) == whole
        except DamagedRecording:
            refused += 1
    assert refused > 100


@given(ENDPOINTS, ENDPOINTS, st.sampled_from(Action), st.sampled_from(Family), st.sampled_from(["", "df-mtu", "udp-edns-big"]))
def test_ids_of_probes_can_be_read_back(source, target, action, family, detail):
    probe = Probe(action, source, target, detail, family)
    assert Probe.parse(str(probe)) == probe


def test_what_is_no_probe_id_is_refused():
    with pytest.raises(ValueError, match="not a probe id: 'tcp4:pod/a@n1'"):
        Probe.parse("tcp4:pod/a@n1")


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        (["reached", "reached"], "reached"),
        (["reached", "timeout"], "flaky"),
        (["refused", "timeout"], "timeout"),
        (["reached", "probe-error"], "probe-error"),
        ([], "probe-error"),
    ],
)
def test_samples_together(outcomes, together):
    samples = tuple(Sample(Outcome(outcome), 0.1, "n", {}, {}) for outcome in outcomes)
    observation = Observation(Probe.parse("tcp4:pod/a@n1>pod/a@n2"), {}, samples)
    assert observation.outcome is Outcome(together)


def test_the_worst_status_wins_and_nothing_is_skipped():
    assert worst([Status.PASSED, Status.INCONCLUSIVE, Status.WARNING]) is Status.INCONCLUSIVE
    assert worst([Status.INCONCLUSIVE, Status.FAILED]) is Status.FAILED
    assert worst([]) is Status.SKIPPED
