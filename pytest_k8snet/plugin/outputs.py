"""Files that a run writes: proved writable before anything is created, and no stale verdict left from an earlier run."""

from __future__ import annotations

from pathlib import Path

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.settings import Settings


def prepare(settings: Settings) -> None:
    """Create the folders and remove reports of earlier runs. Raises UsageProblem naming the path that cannot be written."""
    for path in settings.reports:
        _prove("--k8snet-report", path)
        path.unlink(missing_ok=True)
    if settings.record is not None:
        _prove("--k8snet-record", settings.record)


def _prove(flag: str, path: Path) -> None:
    draft = path.with_name(f".{path.name}.draft")
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        if path.exists() and not path.is_file():
            raise UsageProblem(f"{flag} {path} cannot be written: not a regular file, which would be replaced")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(b"")
        draft.unlink()
    except OSError as error:
        raise UsageProblem(f"{flag} {path} cannot be written: {error.strerror}") from None
