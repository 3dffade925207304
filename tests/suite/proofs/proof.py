"""What a proof is: an edit of a healthy recording after which one requirement goes red, and nothing unrelated changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spoiling import Evidence, Frame

Edit = Callable[[Evidence], None]
FAILED, WARNING, INCONCLUSIVE = "failed", "warning", "inconclusive"


@dataclass(frozen=True)
class Proof:
    """`red` are the items of `requirement` that change, all to `status`; `also` are the items of others that may and must change.

    `text` holds parts of the failure text: who, where, what was seen, what is documented. Addresses are written {pod/a@w1}.
    """

    requirement: str
    what: str  # the fault, in a few words
    edit: Edit
    red: tuple[str, ...]
    text: tuple[str, ...]
    status: str = FAILED
    also: Mapping[str, str] = field(default_factory=dict)
    on: str = "healthy-vxlan-iptables"  # the recording that is spoilt

    def __str__(self) -> str:
        return f"{self.requirement}: {self.what}"

    @property
    def changes(self) -> dict[str, str]:
        """Every item whose status changes, with the new one."""
        return {f"{self.requirement} {subject}": self.status for subject in self.red} | dict(self.also)


def outcome(id: str, how: str, seconds: float | None = None, **detail: object) -> Edit:
    """A probe ends otherwise."""
    return lambda evidence: evidence.outcome(id, how, seconds, detail)


def reply(id: str, **fields: object) -> Edit:
    """The target's answer says something else; addresses in it are written {pod/a@w1}."""

    def edit(evidence: Evidence) -> None:
        filled = {key: evidence.long(evidence.filled(value)) if isinstance(value, str) else value for key, value in fields.items()}
        evidence.reply(id, **filled)

    return edit


def answered(id: str, **fields: object) -> Edit:
    """A probe that nothing answers is answered; a server of ours counts it."""

    def edit(evidence: Evidence) -> None:
        filled = {key: evidence.long(value) if isinstance(value, str) else value for key, value in fields.items()}

        def change(sample: Frame) -> None:
            own = {"nonce": sample["nonce"], "run": evidence.recording.meta["run_id"]}
            sample.update(outcome="reached", reply={**own, **filled}, detail={})
            for entry in evidence.recording.entries("frames", source=filled.get("server")):
                if entry["frame"]["kind"] == "seen":
                    entry["frame"]["nonces"][sample["nonce"]] = {"count": 1}

        evidence.samples(id, change)

    return edit


def each(*edits: Edit) -> Edit:
    """Several edits that make up one fault."""

    def edit(evidence: Evidence) -> None:
        for one in edits:
            one(evidence)

    return edit
