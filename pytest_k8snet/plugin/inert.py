"""What the plugin does when neither a cluster nor a recording is given: name the suite's items, judge none."""

from __future__ import annotations

import pytest

from .marker import requirement_of

ARGUMENTS = ("cell", "node", "resolver", "scenario", "cluster")
NEEDED = "needs --k8s-context NAME or --k8snet-replay FILE"


class Inert:
    """Registered in runs that assess nothing."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item per requirement, named by its id."""
        id = requirement_of(metafunc.definition)
        argument = next((name for name in ARGUMENTS if name in metafunc.fixturenames), None)
        if id and argument:
            metafunc.parametrize(argument, [None], ids=[id])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Listing is free; running them is a mistake when there is nothing else, and a skip beside other tests."""
        ours = [item for item in items if requirement_of(item)]
        if not ours or config.option.collectonly:
            return
        if len(ours) == len(items):
            raise pytest.UsageError(f"these tests judge the network of a cluster: the run {NEEDED}")
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=NEEDED))
