"""What a person reads at the end of a run, as lines of text. Everything here is also in the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from pytest_k8snet.diagnose.grouping import groups
from pytest_k8snet.diagnose.ranking import unexplained
from pytest_k8snet.model.result import Result, Subject
from pytest_k8snet.model.verdict import Level, Status

from .assessment import Assessment
from .causes import blocks
from .matrix import LEGEND, Plane, letter, planes
from .terminal_difference import cut, differences

WIDTH = 110
LARGEST = 24  # rows of a matrix that is still drawn
TELLING = "sw!dt"  # letters that do not say what was seen instead
BAD = (Status.FAILED, Status.WARNING)
CAUSES = ("FLANNEL", "NODE", "PROXY", "MTU")  # groups about the state of nodes; the others see what follows from it


def summary(run: Assessment, every: bool = False) -> Iterator[str]:
    """Matrices of failing planes, causes, findings that none explains (or `every` one), what was not assessed. Empty for a clean run."""
    yield from _matrices([plane for plane in planes(run.results) if any(plane.status(cell) in BAD for cell in plane.cells)])
    yield from _causes(run)
    yield from _findings(run, every)
    yield from not_assessed(run)


def brief(run: Assessment) -> Iterator[str]:
    """One line per cause and per requirement that does not hold, for `-q`. Empty for a clean run."""
    for cause in run.causes:
        yield f"cause    {cause.id}{f' on {cause.node}' if cause.node else ''}: {cause.sentence}"
    for id in _failing(run):
        yield _headline(run, id, _bad(run, id))


def last_line(run: Assessment, reports: Sequence[Path], dot: str) -> str:
    """The one line that tells verdict, counts, what was left behind and where the report is."""
    if run.problem:
        counts = [f"no verdict{dot}{run.problem}"]
    else:
        words = {"failed": run.count(Status.FAILED), "inconclusive": run.count(Status.INCONCLUSIVE)}
        words |= {"passed": run.count(Status.PASSED), "warned": run.count(Status.WARNING)}
        words |= {"not applicable": run.count(Status.SKIPPED), "not selected": len(run.unselected)}
        shown = [f"{number} {word}" for word, number in words.items() if number or word == "passed"]
        named = f" ({len(run.causes)} cause{'s' if len(run.causes) > 1 else ''})" if run.causes else ""
        counts = [f"{run.verdict}{named}{dot}requirements: {', '.join(shown)}"]
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


def _causes(run: Assessment) -> Iterator[str]:
    if run.causes:
        yield _title("causes")
        yield from blocks(run.causes, len(_to_explain(run.results)), WIDTH)
    if run.undiagnosed:
        yield from paragraph(f"causes could not be looked for, please report it: {run.undiagnosed}", "        ")


def _findings(run: Assessment, every: bool) -> Iterator[str]:
    """Every requirement that does not hold; where causes are named only those with a result that none explains."""
    failing = _failing(run)
    if run.causes and not every:
        left = {result.requirement for result in _to_explain(unexplained(run.results, run.causes))}
        failing = [id for id in failing if id in left]
    if failing:
        yield _title("findings without a cause" if run.causes and not every else "findings")
    for id in failing:
        yield from _finding(run, id, [result for result in run.results if result.requirement == id])


def _to_explain(results: Iterable[Result]) -> list[Result]:
    """What somebody has to mend: a MAY is recorded, and may be either way."""
    return [result for result in results if result.status in BAD and result.level is not Level.MAY]


def _failing(run: Assessment) -> list[str]:
    """Ids, failures before warnings, and within each what may be the cause of the rest first."""
    statuses = run.statuses()
    ids = [id for wanted in BAD for id, status in statuses.items() if status is wanted]
    return sorted(ids, key=lambda id: (BAD.index(statuses[id]), id.split("-")[1] not in CAUSES))


def _bad(run: Assessment, id: str) -> list[Result]:
    return [result for result in run.results if result.requirement == id and result.status in BAD]


def _headline(run: Assessment, id: str, bad: Sequence[Result]) -> str:
    """Word, id, the most binding level among the items that have the requirement's status, title."""
    failed = [result for result in bad if result.status is Status.FAILED]
    level = min((result.level for result in failed or bad), key=list(Level).index)
    word = "failed" if failed else "recorded" if level is Level.MAY else "warning"
    requirement = run.catalogue.get(id)
    return f"{word:<8} {id} {level} {requirement.title if requirement else ''}".rstrip()


def _finding(run: Assessment, id: str, results: Sequence[Result]) -> Iterator[str]:
    requirement = run.catalogue.get(id)
    bad = [result for result in results if result.status in BAD]
    yield _headline(run, id, bad)
    for where, message in _places(results):
        yield from paragraph(f"         {where}{': ' if message else ''}{message}", " " * 11)
    nodes = [result for result in results if not result.subject.target]
    yield from _subjects(nodes, [result for result in nodes if result.status in BAD])
    if requirement and requirement.meaning and all(result.status is Status.WARNING for result in bad):
        yield from paragraph(f"         why it matters: {requirement.meaning}", " " * 11)


def _places(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Groups of cells per plane in which a requirement does not hold."""
    cells = [result for result in results if result.subject.target]
    for plane in planes(cells):
        failing = {cell for cell in plane.cells if plane.status(cell) in BAD}
        for number, group in enumerate(groups(plane.cells, failing)):
            first = next(r for cell in sorted(group.cells) for r in plane.cells[cell] if r.status in BAD)
            many = f" ({len(group.cells)} cells: {LEGEND[letter(first)]})" if len(group.cells) > 1 else f" ({LEGEND[letter(first)]})"
            tell = number == 0 and letter(first) in TELLING
            yield f"{plane.title}, {plane.protocol}: {group.where}{many}", _first(first.message) if tell else ""


def _subjects(results: Sequence[Result], bad: Sequence[Result]) -> Iterator[str]:
    """Nodes, resolvers or the cluster, together where they say the same."""
    said: dict[str, list[Result]] = {}
    for result in bad:
        said.setdefault(_caption(result).replace(result.subject.node or "\0", "NODE"), []).append(result)
    for same in said.values():
        everywhere = len(same) == len(results) > 1
        names = "every node" if everywhere else ", ".join(_name(result.subject) for result in same)
        named = _caption(same[0]) != _first(same[0].message) or differences(same[0].message)
        example = f", for example {_name(same[0].subject)}" if named and len(same) > 1 else ""
        yield from _observed(f"         {names}{example}: ", same[0])


def _observed(start: str, result: Result) -> Iterator[str]:
    """The first difference and what it was found in; the caption alone if there is none."""
    found = differences(result.message)
    if not found:
        yield from paragraph(start + _caption(result), " " * 11)
        return
    more = f" (+{len(found) - 1} more, -v shows all)" if len(found) > 1 else ""
    told = cut(found[0], WIDTH - 11)
    if len(start) + len(told) > WIDTH:
        yield from paragraph(start.rstrip(), " " * 11)
        start = " " * 11
    yield start + told
    yield from paragraph(f"           in {_caption(result)}{more}", " " * 11)


def _caption(result: Result) -> str:
    """The message's first line without the subject's name, which stands before it anyway."""
    return _first(result.message).removeprefix(f"{_name(result.subject)}: ")


def _name(subject: Subject) -> str:
    """A resolver is asked by its source and has no target."""
    return subject.source if subject.source and not subject.target else str(subject)


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
