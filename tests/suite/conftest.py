"""The replay harness: take a healthy recording, edit raw text, objects or frames, judge it by the bundled suite, compare statuses.

Only what a cluster or an agent said is ever edited, never a parsed value or a status: parsers, plans and checks are all under test.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_k8snet.__main__ import main
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.parse.objects import inventory

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "recordings"
_QUIET = ("-p", "no:terminal", "-p", "no:faulthandler", "-p", "no:xdist", "--capture=no")
Key = tuple[str, str, str, str, str]  # requirement, source, target, node, protocol


@dataclass(frozen=True)
class Judged:
    """The report of a replay."""

    code: int
    report: Mapping[str, Any]

    @property
    def statuses(self) -> dict[Key, str]:
        """Status of every item."""
        return {_key(result): result["status"] for result in self.report["results"]}

    @property
    def requirements(self) -> dict[str, str]:
        """Status of every requirement: the worst of its items."""
        order = ["failed", "inconclusive", "warning", "passed", "skipped"]
        found: dict[str, str] = {}
        for (requirement, *_), status in self.statuses.items():
            found[requirement] = min(status, found.get(requirement, "skipped"), key=order.index)
        return found

    def differs(self, other: Judged) -> dict[Key, str]:
        """Items whose status is not that of `other`, with their status here."""
        before = other.statuses
        return {key: status for key, status in self.statuses.items() if before.get(key) != status}

    def message(self, requirement: str, **subject: str) -> str:
        """Message of the one item of a requirement with these parts of its subject."""
        found = [r for r in self.report["results"] if r["requirement"] == requirement and subject.items() <= r["subject"].items()]
        assert len(found) == 1, f"{len(found)} items of {requirement} with {subject}"
        return str(found[0]["message"])


class Evidence:
    """A healthy recording to be spoilt. Every edit must hit something, so that a test cannot miss silently."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    @property
    def inventory(self) -> Inventory:
        """The cluster of the recording."""
        return inventory(self.recording)

    @property
    def workers(self) -> list[str]:
        """Names of the nodes that are no control plane, sorted."""
        return [node.name for node in self.inventory.nodes if not node.control_plane]

    def fact(self, node: str, name: str, change: Callable[[str], str], source: str = "", phase: str = "") -> None:
        """Change the text of a fact of one node, in every phase or in one; `source` picks one of several files."""
        facts = [entry for entry in self.recording.entries("facts", node=node, name=name) if source in entry["source"]]
        self._change([fact for fact in facts if phase in ("", fact["phase"])], "text", change, f"fact {name} of {node}")

    def object(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change the body of an API answer, every time it was read; `change` gets a copy and may return None after editing it."""

        def edited(body: Any) -> Any:
            mine = copy.deepcopy(body)
            answer = change(mine)
            return mine if answer is None else answer

        self._change([e for e in self.recording.entries("objects", name=name) if e["status"] == 200], "body", edited, f"object {name}")

    def frames(self, change: Callable[[dict[str, Any]], None], *, source: str = "", target: str = "", action: str = "") -> None:
        """Change result frames in place.

        `source` and `target` end the spelling of the endpoints ("@worker1" = all of that node); `action` is a verb ("tcp", "resolve")
        or the whole head of a probe's id ("resolve4+udp-cluster").
        """
        frames = [e["frame"] for e in self.recording.streams["frames"] if _matches(e["frame"], source, target, action)]
        assert frames, f"no frame {action} {source} > {target}"
        before = json.dumps(frames, sort_keys=True)
        for frame in frames:
            change(frame)
        assert json.dumps(frames, sort_keys=True) != before, f"frames {action} {source} > {target} stayed as they were"

    def outcome(self, outcome: str, **where: str) -> None:
        """Let probes end like this, see `frames`."""

        def change(frame: dict[str, Any]) -> None:
            frame["samples"] = [{**sample, "outcome": outcome, "reply": {}} for sample in frame["samples"]]

        self.frames(change, **where)

    def seen_as(self, address: str, **where: str) -> None:
        """Let the target see this source address, see `frames`."""

        def change(frame: dict[str, Any]) -> None:
            frame["samples"] = [{**sample, "reply": {**(sample.get("reply") or {}), "peer": address}} for sample in frame["samples"]]

        self.frames(change, **where)

    def lose(self, **where: str) -> None:
        """Drop result frames, see `frames`."""
        kept = [
            e for e in self.recording.streams["frames"] if not _matches(e["frame"], **{"source": "", "target": "", "action": "", **where})
        ]
        assert len(kept) < len(self.recording.streams["frames"]), f"no frame {where}"
        self.recording.streams["frames"] = kept

    def _change(self, entries: list[Any], field: str, change: Callable[[Any], Any], what: str) -> None:
        assert entries, f"the recording holds no {what}"
        before = [entry[field] for entry in entries]
        for entry in entries:
            entry[field] = change(entry[field])
        assert [entry[field] for entry in entries] != before, f"{what} stayed as it was"


@pytest.fixture(scope="session", params=sorted(RECORDINGS.glob("healthy-*.zip")), ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> Recording:
    """A recording of a healthy real cluster."""
    return Recording.read(request.param)


@pytest.fixture
def evidence(recorded: Recording) -> Evidence:
    """A healthy recording of one's own."""
    return Evidence(Recording(copy.deepcopy(recorded.meta), copy.deepcopy(recorded.streams)))


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Judged]:
    """Replay a recording with the bundled suite, in this process."""
    folder = tmp_path_factory.mktemp("replay")

    def replay(recording: Recording | Evidence, *options: str) -> Judged:
        path, report = folder / "recording.zip", folder / "report.json"
        (recording.recording if isinstance(recording, Evidence) else recording).write(path)
        code = main(["--k8snet-replay", str(path), "--k8snet-report", str(report), *_QUIET, *options])
        return Judged(code, json.loads(report.read_text("utf-8")))

    return replay


@pytest.fixture(scope="session")
def healthy(recorded: Recording, judge: Callable[..., Judged]) -> Judged:
    """How the untouched recording is judged."""
    return judge(recorded)


def _matches(frame: Mapping[str, Any], source: str, target: str, action: str) -> bool:
    head, _, ends = str(frame.get("id", "")).partition(":")
    start, _, end = ends.partition(">")
    verb = head.partition("+")[0].rstrip("46")
    return bool(ends) and start.endswith(source) and end.endswith(target) and action in ("", verb, head)


def _key(result: Mapping[str, Any]) -> Key:
    subject = result["subject"]
    return (result["requirement"], *(subject.get(part, "") for part in ("source", "target", "node", "protocol")))  # type: ignore[return-value]
