"""What a person reads at the end of a run, as lines of text. Everything here is also in the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from pytest_k8snet.diagnose.grouping import groups
from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import Level, Status

from .assessment import Assessment
from .matrix import LEGEND, Plane, letter, planes

WIDTH = 110
LARGEST = 24  # rows of a matrix that is still drawn
TELLING = "sw!dt"  # letters that do not say what was seen instead
BAD = (Status.FAILED, Status.WARNING)


def summary(run: Assessment) -> Iterator[str]:
    """Matrices of failing planes, findings grouped, and what was not assessed. Empty for a clean run."""
    yield from _matrices([plane for plane in planes(run.results) if any(plane.status(cell) in BAD for cell in plane.cells)])
    yield from _findings(run)
    yield from not_assessed(run)


def last_line(run: Assessment, reports: Sequence[Path], dot: str) -> str:
    """The one line that tells verdict, counts, what was left behind and where the report is."""
    if run.problem:
        counts = [f"no verdict{dot}{run.problem}"]
    else:
        words = {"failed": run.count(Status.FAILED), "inconclusive": run.count(Status.INCONCLUSIVE)}
        words |= {"passed": run.count(Status.PASSED), "warned": run.count(Status.WARNING)}
        words |= {"not applicable": run.count(Status.SKIPPED), "not selected": len(run.unselected)}
        shown = [f"{number} {word}" for word, number in words.items() if number or word == "passed"]
        counts = [f"{run.verdict}{dot}requirements: {', '.join(shown)}"]
        counts += [f"{run.open_shoulds} SHOULD{'s' if run.open_shoulds > 1 else ''} not assessed"] if run.open_shoulds else []
    behind = "kept on request" if run.kept else f"{len(run.left_behind)} left behind"
    tail = [] if run.about.mode == "replay" else [behind]
    partly = [f"{len(run.partly_judged)} partly judged"] if run.partly_judged else []
    where = [f"report {_short(path)}" for path in reports]
    return "k8snet: " + dot.join([*counts, *partly, *run.partial, *tail, *where])


def left_behind(run: Assessment) -> Iterator[str]:
    """Names of what could not be removed, and how to remove it later."""
    for name in run.left_behind:
        yield f"k8snet: left behind: {name}"
    if run.left_behind:
        yield "        it stops by itself; remove it after its expiry with: pytest --k8s-context NAME --k8snet-sweep"


def not_assessed(run: Assessment) -> Iterator[str]:
    """One paragraph per reason: how many requirements it silenced, and which."""
    statuses = run.statuses()
    silent = {status: [id for id, found in statuses.items() if found is status] for status in (Status.INCONCLUSIVE, Status.SKIPPED)}
    yield from _by_reason("not assessed", [(_cause(run.reason(id)), id) for id in silent[Status.INCONCLUSIVE]])
    yield from _by_reason("not applicable", [(run.reason(id), id) for id in silent[Status.SKIPPED]])
    yield from _by_reason("partly judged", [("pytest's own options left some of their items out", id) for id in run.partly_judged])


def _cause(reason: str) -> str:
    """What is known of conversations that did not take place needs no line per requirement."""
    said = _first(reason).removeprefix("not assessed: ")
    return "the conversation they are about did not take place" if said.startswith("not reached") else said


def _by_reason(word: str, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for reason, found in groupby(sorted(pairs), key=lambda pair: pair[0]):
        ids = [id for _, id in found]
        count = f"{len(ids)} requirement{'s' if len(ids) > 1 else ''}"
        yield from paragraph(f"{word}: {count}: {_first(reason)} ({_ids(ids)})", "        ")


def _matrices(failing: Sequence[Plane]) -> Iterator[str]:
    """Planes that look alike are drawn once, with all their protocols in the title."""
    alike: dict[tuple[str, str, str], list[Plane]] = {}
    for plane in failing:
        alike.setdefault((plane.title, plane.family, "\n".join(_drawing(plane))), []).append(plane)
    for (title, family, drawing), same in alike.items():
        protocols = ", ".join(plane.protocol for plane in same)
        yield _title(f"{title}, {protocols}, {family}".rstrip(", "))
        yield from drawing.splitlines()


def _drawing(plane: Plane) -> list[str]:
    if len(plane.rows) > LARGEST or len(plane.columns) > LARGEST:
        return [f" {len(plane.rows)} x {len(plane.columns)} cells, not drawn; see the report"]
    first = max(map(len, plane.rows))
    widths = [max(len(column), 1) for column in plane.columns]
    lines = [" " * (first + 2) + "  ".join(plane.columns)]
    for row in plane.rows:
        cells = (plane.letter((row, column)).center(width) for column, width in zip(plane.columns, widths, strict=True))
        lines.append(f" {row:<{first}} " + "  ".join(cells).rstrip())
    used = sorted({plane.letter(cell) for cell in plane.cells} - {" "})
    return [*lines, " " + "   ".join(f"{sign} {LEGEND[sign]}" for sign in used)]


def _findings(run: Assessment) -> Iterator[str]:
    statuses = run.statuses()
    failing = [id for wanted in BAD for id, status in statuses.items() if status is wanted]
    if failing:
        yield _title("findings")
    for id in failing:
        yield from _finding(run, id, [result for result in run.results if result.requirement == id])


def _finding(run: Assessment, id: str, results: Sequence[Result]) -> Iterator[str]:
    requirement = run.catalogue.get(id)
    bad = [result for result in results if result.status in BAD]
    failed = any(result.status is Status.FAILED for result in bad)
    word = "failed" if failed else _softly(bad[0])
    yield f"{word:<8} {id} {bad[0].level} {requirement.title if requirement else ''}".rstrip()
    for where, message in _places(results, bad):
        yield from paragraph(f"         {where}{': ' if message else ''}{message}", " " * 11)
    if requirement and requirement.meaning and not failed:
        yield from paragraph(f"         why it matters: {requirement.meaning}", " " * 11)


def _softly(result: Result) -> str:
    return "recorded" if result.level is Level.MAY else "warning"


def _places(results: Sequence[Result], bad: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Where a requirement does not hold: groups of cells per plane, else nodes that say the same."""
    cells = [result for result in results if result.subject.target]
    for plane in planes(cells):
        failing = {cell for cell in plane.cells if plane.status(cell) in BAD}
        for number, group in enumerate(groups(plane.cells, failing)):
            first = next(r for cell in sorted(group.cells) for r in plane.cells[cell] if r.status in BAD)
            many = f" ({len(group.cells)} cells: {LEGEND[letter(first)]})" if len(group.cells) > 1 else f" ({LEGEND[letter(first)]})"
            tell = number == 0 and letter(first) in TELLING
            yield f"{plane.title}, {plane.protocol}: {group.where}{many}", _first(first.message) if tell else ""
    yield from _subjects([result for result in results if not result.subject.target], [r for r in bad if not r.subject.target])


def _subjects(results: Sequence[Result], bad: Sequence[Result]) -> Iterator[tuple[str, str]]:
    said: dict[str, list[Result]] = {}
    for result in bad:
        said.setdefault(_first(result.message).replace(result.subject.node or "\0", "NODE"), []).append(result)
    for same in said.values():
        everywhere = len(same) == len(results) > 1
        names = "every node" if everywhere else ", ".join(str(result.subject) for result in same)
        yield names, _first(same[0].message)


def paragraph(text: str, indent: str) -> list[str]:
    """The text in lines of the summary's width, the later ones indented."""
    start = text[: len(text) - len(text.lstrip())]
    return wrap(text.lstrip(), WIDTH, initial_indent=start, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _ids(ids: Sequence[str]) -> str:
    """`NET-DNS-001 -006, NET-NAT-002`: the group's name once."""
    shown = []
    for head, found in groupby(ids, key=lambda id: id.rpartition("-")[0]):
        first, *rest = [id.rpartition("-")[2] for id in found]
        shown.append(" ".join([f"{head}-{first}", *(f"-{number}" for number in rest)]))
    return ", ".join(shown)


def _first(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no message"


def _title(text: str) -> str:
    return f" {text} ".center(72, "-")


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
