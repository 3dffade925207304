"""The process that owns the run: it touches the cluster, gathers every result, and tells the verdict."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_k8snet import __version__
from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.result import Result
from pytest_k8snet.model.verdict import ExitCode, RunVerdict, Status
from pytest_k8snet.report import document, terminal, verdict
from pytest_k8snet.report.assessment import About, Assessment

from . import diagnosis, reporting, suite
from .console import Console
from .demand import Case, Demand
from .header import lines
from .judge import selected
from .planned import show
from .ruling import unjudged
from .run import Run, now
from .signals import Termination
from .state import State

_HIDDEN = ("failed", "error", "skipped", "warned", "recorded", "not assessed")
_INTERRUPTED, _INTERNAL, _USAGE = (int(code) for code in (pytest.ExitCode.INTERRUPTED, ExitCode.INTERNAL_ERROR, ExitCode.USAGE))


class Controller:
    """Registered in the controller of a distributed run, or in the only process."""

    def __init__(self, config: pytest.Config, state: State) -> None:
        self._config, self._state = config, state
        self._console = Console(config)
        self._termination = Termination()
        self.run = Run(state, self._console.progress)
        self._results: dict[str, tuple[Result, ...]] = {}
        self._broken = self._others_failed = 0
        self._uncollected = 0
        self._internal = False
        self._partly: frozenset[str] = frozenset()
        self._assessment: Assessment | None = None
        self._unwritten: list[str] = []

    # Opening

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Discover, or read the recording; creates nothing yet."""
        self._termination.install()
        try:
            self.run.open()
        except UsageProblem as problem:
            raise pytest.UsageError(str(problem)) from None

    def pytest_report_header(self) -> list[str]:
        """Which cluster, what is demanded, what the run may change."""
        return lines(self._state, self._console.dot)

    # Collecting what the selected items need

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Between pytest's collection and the first item."""
        stopped = session.testsfailed and not session.config.option.continue_on_collection_errors
        if session.config.option.collectonly or stopped or session.config.pluginmanager.hasplugin("dsession"):
            return None
        cases = selected(session.items)
        if self._state.settings.plan:
            for line in show(self._state, list(cases.values())):
                self._console.line(line)
            return True
        self._console.line("")
        self.collect(cases)
        return None

    def collect(self, cases: Mapping[str, Case]) -> None:
        """Observe what the selected items (by node id) need; note them all, so that a lost one is missed. Raises pytest.UsageError."""
        self._results.update({nodeid: unjudged(case) for nodeid, case in cases.items()})
        self._partly = self._state.demand.partly(cases.values()) if self._state.demand else frozenset()
        try:
            self.run.collect(cases.values())
        except UsageProblem as problem:
            raise pytest.UsageError(str(problem)) from None

    # Results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The last report of an item that carries results counts."""
        results = reporting.results_of(report)
        if results:
            self._results[report.nodeid] = results
        if results is not None:
            self._broken += reporting.broken(report)
        elif report.failed and report.nodeid not in self._results:
            self._others_failed += 1

    def pytest_report_teststatus(self, report: pytest.TestReport | pytest.CollectReport) -> Any:
        """Letters and words for warnings and for what was not assessed."""
        return reporting.shown(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected stops pytest before the first item, or counts when pytest goes on without it."""
        if report.failed:
            self._uncollected += 1
            if suite.holds(self._config.rootpath / report.nodeid.partition("::")[0]):
                self._broken += 1
            else:
                self._others_failed += 1

    def pytest_internalerror(self) -> None:
        """A bug, here or in pytest: never a verdict."""
        self._internal = True

    # Closing

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Remove everything, then judge the run, write the report and set the exit code. Runs after all workers are gone."""
        self._termination.defer()
        results = tuple(sorted((result for found in self._results.values() for result in found), key=_place))
        failed = any(result.status is Status.FAILED for result in results)
        self.run.close(failed)
        if session.config.option.collectonly or self._state.settings.plan or int(exitstatus) == _USAGE:
            if self._state.problem and int(exitstatus) != _USAGE:
                session.exitstatus = ExitCode.NO_VERDICT  # it could not even look: a list or a plan of nothing is no success
            return
        self._assessment = self._assess(results, int(exitstatus))
        session.exitstatus = self._assessment.exit_code
        for path in self._state.settings.reports:
            self._write(path)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, object, object]:
        """Matrices and findings in place of pytest's failure blocks; `-v` shows those too."""
        verbosity = self._config.getoption("verbose", 0)
        before = {} if verbosity > 0 else reporting.hide(terminalreporter.stats, _HIDDEN)
        try:
            outcome = yield
        finally:
            terminalreporter.stats.update(before)
        if self._assessment is not None:
            shown = terminal.summary(self._assessment, verbosity > 0) if verbosity >= 0 else terminal.brief(self._assessment)
            for line in shown:
                self._console.line(line)
        return outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """The verdict is the last line. Whatever cut the session short, nothing stays behind."""
        self.run.close(failed=True)
        self._termination.restore()
        if self._assessment is None:
            return
        for line in (*terminal.left_behind(self._assessment), *self._unwritten):
            self._console.line(line, red=True)
        written = [] if self._unwritten else self._state.settings.reports
        good = self._assessment.exit_code == 0
        self._console.line(terminal.last_line(self._assessment, written, self._console.dot), bold=True, green=good, red=not good)

    def _assess(self, results: tuple[Result, ...], exitstatus: int) -> Assessment:
        found = verdict.of_run(results, self._broken, self._state.settings.strict)
        cut = exitstatus == _INTERRUPTED or self._internal
        if self._internal:
            found = RunVerdict.ERROR
        elif (cut or self._state.problem or self._uncollected or self._unready) and found is not RunVerdict.FAIL:
            found = RunVerdict.INCONCLUSIVE
        code = exitstatus if cut else verdict.exit_code(found, bool(self.run.left_behind), self._others_failed > 0)
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            code = exitstatus
        return self._described(results, found, int(code), self._problem(exitstatus))

    def _problem(self, exitstatus: int) -> str:
        if self._internal:
            return "internal error, see the traceback above; please report it"
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            return "nothing was selected"
        cut = "pytest could not collect the tests" if self._uncollected else "interrupted before the end"
        return self._state.problem or (cut if exitstatus == _INTERRUPTED else "")

    def _described(self, results: tuple[Result, ...], found: RunVerdict, code: int, problem: str) -> Assessment:
        settings, demand = self._state.settings, self._state.demand
        mode = "live" if self.run.live else "replay"
        command = tuple(map(str, self._config.invocation_params.args))
        causes, undiagnosed = diagnosis.causes(self._state, results)
        return Assessment(
            about=About(settings.run_id, self.run.started, now(), command, mode, __version__, suite.digest()),
            verdict=found,
            exit_code=code,
            results=results,
            catalogue=demand.catalogue if demand else {},
            inventory=demand.inventory if demand else None,
            profiles=demand.profile.names if demand else (),
            unselected=_unselected(demand, results),
            partial=self._partial(),
            problem=problem,
            left_behind=self.run.left_behind,
            kept=self.run.kept,
            partly_judged=self._partly,
            causes=causes,
            undiagnosed=undiagnosed,
        )

    @property
    def _unready(self) -> tuple[str, ...]:
        """Selected nodes that are not ready: what is seen there, or not, proves nothing about the cluster as it should be."""
        demand = self._state.demand
        return tuple(node.name for node in demand.inventory.nodes if not node.ready) if demand else ()

    def _partial(self) -> tuple[str, ...]:
        """Why the report covers less than was asked for."""
        nodes, lost, unready = self._state.settings.nodes, self._uncollected, self._unready
        told = (
            f"partial: only nodes {nodes}" if nodes else "",
            f"{lost} file{'s' if lost > 1 else ''} could not be collected" if lost else "",
            f"node{'s' if len(unready) > 1 else ''} not ready: {', '.join(unready)}" if unready else "",
        )
        return tuple(filter(None, told))

    def _write(self, path: Path) -> None:
        assert self._assessment is not None
        try:
            document.write(document.document(self._assessment), path)
        except OSError as error:
            self._unwritten.append(f"k8snet: report {path} could not be written: {error.strerror}")


def _unselected(demand: Demand | None, results: Sequence[Result]) -> dict[str, str]:
    """Ids of the catalogue without a result, with the reason."""
    if demand is None:
        return {}
    judged = {result.requirement for result in results}
    reasons = {**demand.profile.not_applicable, **demand.profile.not_selected}
    return {id: reasons.get(id, "not selected by pytest's own options") for id in demand.catalogue if id not in judged}


def _place(result: Result) -> tuple[str, str]:
    """Where a result stands in the report, whatever worker judged it first."""
    return result.requirement, str(result.subject)
