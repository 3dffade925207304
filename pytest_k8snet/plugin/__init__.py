"""The pytest plugin. This module is all that an unrelated run imports; everything else is loaded when a cluster or a recording is given.

PYTEST_DONT_REWRITE: the launcher imports this before pytest runs, which pytest would warn about.
"""

from __future__ import annotations

import pytest

from . import options
from .marker import DESCRIPTION

BARE = pytest.StashKey[bool]()  # the bundled suite runs because no path was given


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of group k8snet."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """With a context or a recording and no path, the bundled suite is what runs."""
    known = early_config.known_args_namespace
    if (known.k8snet_context or known.k8snet_replay) and not known.file_or_dir:
        from .suite import folder

        args.append(str(folder()))
        known.file_or_dir = [str(folder())]
        early_config.stash[BARE] = True


def pytest_configure(config: pytest.Config) -> None:
    """Stay inert without a context or a recording; else read the settings and take part in the run."""
    config.addinivalue_line("markers", DESCRIPTION)
    if all(getattr(config.option, option.dest) is None for option in options.OPTIONS):  # an empty name is a mistake, and told
        from .inert import Inert

        config.pluginmanager.register(Inert(), "k8snet-inert")
        return
    from .activation import activate

    activate(config, bare=config.stash.get(BARE, False))


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """`--k8snet-sweep` removes expired leftovers and runs no test."""
    if not config.option.k8snet_sweep:
        return None
    from .sweep import run

    return run(config)
