"""The report of a replay, with the nodes called w1, w2 and control, so that a test reads the same on every recording."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WORST = ("failed", "inconclusive", "warning", "passed", "skipped")


@dataclass(frozen=True)
class Judged:
    """Items are spelled "NET-REACH-005 pod/a@w1 > pod/a@w2 tcp", "NET-FLANNEL-015 w1", "NET-DNS-006 pod/a@w1", "NET-DNS-001 cluster"."""

    code: int
    report: Mapping[str, Any]
    short: Mapping[str, str]  # node name -> w1, w2, control

    @property
    def results(self) -> dict[str, Mapping[str, Any]]:
        """Every result by the spelling of its item."""
        found = {self._item(result): result for result in self.report["results"]}
        assert len(found) == len(self.report["results"]), "two items have the same spelling"
        return found

    @property
    def statuses(self) -> dict[str, str]:
        """Status of every item."""
        return {item: result["status"] for item, result in self.results.items()}

    @property
    def requirements(self) -> dict[str, str]:
        """Status of every requirement: the worst of its items."""
        found: dict[str, str] = {}
        for item, status in self.statuses.items():
            id = item.partition(" ")[0]
            found[id] = min(status, found.get(id, "skipped"), key=WORST.index)
        return found

    def differs(self, other: Judged) -> dict[str, str]:
        """Items whose status is not that of `other`, with their status here; items that are gone are "gone"."""
        here, before = self.statuses, other.statuses
        return {item: here.get(item, "gone") for item in sorted({*here, *before}) if here.get(item) != before.get(item)}

    @property
    def causes(self) -> list[str]:
        """Named causes with their place: "overlay-fdb-wrong w1 w2"."""
        named = ((cause["cause"], cause.get("node", ""), cause.get("peer", "")) for cause in self.report["causes"])
        return [self.shortened(" ".join(filter(None, words))) for words in named]

    def message(self, item: str) -> str:
        """What a person reads about an item."""
        return self.shortened(str(self.results[item]["message"]))

    def shortened(self, text: str) -> str:
        """Text with the short names of the nodes."""
        for name, short in self.short.items():
            text = re.sub(rf"\b{re.escape(name)}\b", short, text)
        return text

    def _item(self, result: Mapping[str, Any]) -> str:
        subject = result["subject"]
        ends = " > ".join(filter(None, (subject.get("source"), subject.get("target"))))
        protocol = subject.get("protocol") if subject.get("target") else ""
        family = "ipv6" if protocol and subject.get("family") == "ipv6" else ""
        words = (ends or subject.get("node") or "cluster", protocol, family)
        return self.shortened(" ".join(filter(None, (result["requirement"], *words))))
