"""`python -m pytest_k8snet`: the bundled suite with its own ini, whatever the current folder's ini says; and `rbac`."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run a subcommand, or pytest on the suite. Returns the exit code."""
    if arguments[:1] == ["rbac"]:
        from .plugin.rbac import show

        return show(arguments[1:])
    import pytest

    from .plugin.launched import Launched

    return int(pytest.main([*_frame(), *arguments], plugins=[Launched()]))


def _frame() -> list[str]:
    """Arguments that make the suite's ini count, keep pytest's cache out of the installed package, and load the plugin."""
    from .plugin.suite import folder

    suite = folder()
    frame = ["-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"]
    registered = any(point.value.startswith(__package__) for point in entry_points(group="pytest11"))
    return frame if registered else ["-p", f"{__package__}.plugin", *frame]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
