"""Judging in one process: items out of cases, evidence in setup, a status with every report. Never touches the cluster."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import Inconclusive, Status

from . import reporting, suite
from .demand import Case
from .fixtures import Row
from .inert import ARGUMENTS
from .marker import requirement_of
from .ruling import CONTRADICTION, Ruling, result, rule, together
from .state import State

Reporting = Generator[None, pytest.TestReport, pytest.TestReport]
JUDGED = pytest.StashKey[BaseException | None]()
RESULTS = pytest.StashKey[tuple[Result, ...]]()


class NothingToJudge(pytest.Item):
    """Stands for all items when the cluster could not even be discovered, so that every report format tells it."""

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def setup(self) -> None:
        """An error, never a failure: nothing is known about the network."""
        raise Inconclusive(self.reason)

    def runtest(self) -> None:
        """Never reached."""

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        """The reason alone."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """No file has anything to do with it."""
        return self.path, None, self.name


class Judge:
    """Registered in every process that runs items."""

    def __init__(self, state: State) -> None:
        self._state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Cases by the argument's name."""
        id = requirement_of(metafunc.definition)
        argument = next((name for name in ARGUMENTS if name in metafunc.fixturenames), None)
        if not id:
            return
        if argument is None:
            pytest.fail(f"a test of requirement {id} takes one of {', '.join(ARGUMENTS)}", pytrace=False)
        if self._state.demand is None:
            metafunc.parametrize(argument, [None], ids=[id])
            return
        try:
            cases = self._state.demand.cases(id, argument)
        except UsageProblem as problem:
            pytest.fail(str(problem), pytrace=False)
        metafunc.parametrize(argument, cases, ids=[str(case) for case in cases], indirect=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> bool | None:
        """The user's `norecursedirs` is about the user's folders; `--ignore` is a wish, and what it hides is noticed later."""
        wished = config.option.ignore or config.option.ignore_glob or collection_path.name == "__pycache__"
        return False if self._state.bare and not wished and collection_path.is_dir() and suite.holds(collection_path) else None

    def pytest_collect_file(self, file_path: Any, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect the suite's own files whatever the user's `python_files` says."""
        return pytest.Module.from_parent(parent, path=file_path) if suite.hidden_by(parent.config, file_path) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect what is not demanded, skip what does not apply. Raises pytest.UsageError if an ini file hides part of the suite."""
        if self._state.bare and not session.testsfailed:
            _require_whole_suite(config, items)
        if self._state.demand is None:
            self._stand_in(session, items)
            return
        dropped = [item for item in items if _not_selected(item, self._state)]
        if dropped:
            items[:] = [item for item in items if item not in set(dropped)]
            config.hook.pytest_deselected(items=dropped)
        for item in items:
            case = case_of(item)
            if case and case.skip:
                item.add_marker(pytest.mark.skip(reason=case.skip))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Judge. Whatever is not a contradiction is raised here, in setup: pytest error = inconclusive, in every report format."""
        case = case_of(item)
        if case is None or not isinstance(item, pytest.Function):
            return
        evidence = _evidence(item)
        ended = self._judge_row(item, case, evidence) if isinstance(evidence, Row) else _run(item)
        if ended is not None and not isinstance(ended, CONTRADICTION):
            raise ended
        item.stash[JUDGED] = ended

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """The call phase repeats what setup found."""
        if JUDGED not in pyfuncitem.stash:
            return None
        ended = pyfuncitem.stash[JUDGED]
        if ended is not None:
            raise ended
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Reporting:
        """Attach the status to the item and show it in pytest's own words."""
        report = yield
        case = case_of(item)
        if isinstance(item, NothingToJudge) and call.excinfo is not None:
            reporting.attach(item, report, (), Ruling(Status.INCONCLUSIVE, item.reason))
        elif case is not None and (call.excinfo is not None or call.when == "call"):
            self._attach(item, case, call, report)
        return report

    def _attach(self, item: pytest.Item, case: Case, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        ended = call.excinfo.value if call.excinfo else None
        ruling = rule(ended, case.level, self._state.settings.strict)
        if ended is not None and call.when == "teardown":
            ruling = Ruling(Status.INCONCLUSIVE, f"internal problem: {type(ended).__name__}: {ended}", broken=True)
        results = item.stash.get(RESULTS, None)
        if results is None or ruling.broken:
            source = ended if isinstance(ended, Inconclusive) and not _evidence(item) else _evidence(item)
            results = tuple(result(case, plan, ruling, source) for plan in case.plans or (None,))
        reporting.attach(item, report, results, ruling, self._state.settings.strict)

    def _judge_row(self, item: pytest.Function, case: Case, row: Row) -> BaseException | None:
        rulings, results = {}, []
        for plan, evidence in row.cells:
            ended = evidence if isinstance(evidence, BaseException) else _run(item, evidence)
            ruling = rule(ended, case.level, self._state.settings.strict)
            if ruling.broken and ended is not None:
                raise ended
            rulings[str(result(case, plan, ruling, None).subject)] = ruling
            results.append(result(case, plan, ruling, evidence))
        item.stash[RESULTS] = tuple(results)
        return together(rulings)

    def _stand_in(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        ours = [item for item in items if requirement_of(item)]
        if ours:
            left = [item for item in items if item not in set(ours)]
            items[:] = [NothingToJudge.from_parent(session, name="k8snet: the cluster", reason=self._state.problem), *left]


def case_of(item: pytest.Item) -> Case | None:
    """The case that an item judges, None if it is none of ours."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return next((value for value in parameters.values() if isinstance(value, Case)), None)


def selected(items: Iterable[pytest.Item]) -> dict[str, Case]:
    """Node id -> case of each item of ours."""
    return {item.nodeid: case for item in items if (case := case_of(item))}


def _evidence(item: pytest.Item) -> Any:
    found = getattr(item, "funcargs", {})
    return next((found[name] for name in ARGUMENTS if name in found), None)


def _run(item: pytest.Function, evidence: Any = None) -> BaseException | None:
    """Call the test function; what it raised is returned, what only pytest may handle goes on."""
    if evidence is not None:
        item.funcargs[next(name for name in ARGUMENTS if name in item.funcargs)] = evidence
    try:
        item.runtest()
    except (KeyboardInterrupt, SystemExit, pytest.exit.Exception):
        raise
    except BaseException as ended:
        return ended
    return None


def _not_selected(item: pytest.Item, state: State) -> bool:
    return state.demand is not None and requirement_of(item) in state.demand.profile.not_selected


def _require_whole_suite(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = suite.ids() - {requirement_of(item) for item in items}
    if missing:
        raise pytest.UsageError(
            f"{config.inipath or config.rootpath} hides {len(missing)} of {len(suite.ids())} tests of the bundled suite"
            f" (for example {min(missing)}): run it with its own ini: python -m pytest_k8snet"
        )
