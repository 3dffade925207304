"""How a status looks in pytest's own reports: terminal letters, JUnit, and the property that carries results to the controller."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import Level, Status
from pytest_k8snet.report.results import dumps, loads
from pytest_k8snet.report.verdict import binding

from .ruling import Ruling

RESULTS, STATUS, REQUIREMENT, BROKEN = "k8snet.results", "k8snet.status", "k8snet.requirement", "k8snet.broken"
_SHOWN = {
    "Warning": ("warned", "w", ("WARNING", {"yellow": True})),
    "Recorded": ("recorded", "r", ("RECORDED", {"yellow": True})),
    "Not assessed": ("not assessed", "?", ("NOT ASSESSED", {"yellow": True})),
}


def attach(item: pytest.Item, report: pytest.TestReport, results: tuple[Result, ...], ruling: Ruling, strict: bool = False) -> None:
    """Put results into the item's properties (JUnit reads them there) and shape this report after the status."""
    known = {RESULTS, STATUS, REQUIREMENT, BROKEN}
    item.user_properties[:] = [pair for pair in item.user_properties if pair[0] not in known]
    item.user_properties += [(REQUIREMENT, results[0].requirement if results else ""), (STATUS, ruling.status.value)]
    item.user_properties += [(BROKEN, "true")] if ruling.broken else []
    item.user_properties += [(RESULTS, dumps(results))]
    report.user_properties = list(item.user_properties)
    if not ruling.broken:
        _shape(report, ruling, results[0].level if results else Level.MUST, strict)


def _shape(report: pytest.TestReport, ruling: Ruling, level: Level, strict: bool) -> None:
    if ruling.status is Status.FAILED:
        report.longrepr = ruling.message
    elif ruling.status is Status.INCONCLUSIVE and binding(level, strict):
        report.outcome, report.longrepr = "failed", f"inconclusive: {ruling.message}"
    elif ruling.status in (Status.INCONCLUSIVE, Status.WARNING, Status.SKIPPED):
        path, line, _ = report.location
        report.outcome, report.longrepr = "skipped", (path, line or 0, f"{_word(ruling.status, level)}: {ruling.message}")


def _word(status: Status, level: Level) -> str:
    if status is Status.WARNING:
        return "Recorded" if level is Level.MAY else "Warning"
    return "Not assessed" if status is Status.INCONCLUSIVE else "Skipped"


def shown(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Category, letter and word for a report of ours that pytest would show as a plain skip."""
    if not report.skipped or not of_ours(report) or not isinstance(report.longrepr, tuple):
        return None
    return _SHOWN.get(str(report.longrepr[2]).partition(":")[0])


def of_ours(report: object) -> bool:
    """Whether a report belongs to an item that judges a requirement."""
    return any(name == STATUS for name, _ in getattr(report, "user_properties", ()))


def results_of(report: pytest.TestReport) -> tuple[Result, ...] | None:
    """The results a report carries, None if it carries none."""
    return next((loads(str(text)) for name, text in report.user_properties if name == RESULTS), None)


def broken(report: pytest.TestReport) -> bool:
    """Whether our own code failed in this item."""
    return any(name == BROKEN for name, _ in report.user_properties)


def hide(stats: dict[str, list[object]], categories: Iterable[str]) -> dict[str, list[object]]:
    """Take our reports out of the terminal's categories; returns what `stats` was, to put back."""
    before = {name: stats[name] for name in categories if name in stats}
    for name, reports in before.items():
        stats[name] = [report for report in reports if not of_ours(report)]
    return before
