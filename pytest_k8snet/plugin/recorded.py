"""Settings inside a recording: a replay judges under the settings that shaped what was collected, unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.recording import DamagedRecording, Recording
from pytest_k8snet.model.settings import Settings, Tier

KEY = "settings"
_SHAPING = ("tier", "nodes", "external", "external_address", "probe_timeout", "disruptive", "namespace")
_DEMANDING = ("profiles", "requirements", "features", "strict")


def note(recording: Recording, settings: Settings) -> None:
    """Put the settings into the recording's meta data."""
    recording.meta[KEY] = {name: _plain(getattr(settings, name)) for name in (*_SHAPING, *_DEMANDING)}


def read(path: Path) -> Recording:
    """Read a recording. Raises UsageProblem if it cannot be."""
    try:
        return Recording.read(path)
    except DamagedRecording as error:
        raise UsageProblem(f"--k8snet-replay: {error}") from None
    except OSError as error:
        raise UsageProblem(f"--k8snet-replay {path} cannot be read: {error.strerror}") from None


def under(settings: Settings, noted: Mapping[str, Any], run_id: str) -> Settings:
    """The settings of a replay: what shaped the recording is taken from it, what was demanded too where nothing else is asked for."""
    default = Settings()
    taken = {name: _typed(name, noted[name]) for name in _SHAPING if name in noted}
    unasked = [name for name in _DEMANDING if name in noted and getattr(settings, name) == getattr(default, name)]
    return replace(settings, **taken, **{name: _typed(name, noted[name]) for name in unasked}, run_id=run_id or settings.run_id)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, dict) else value


def _typed(name: str, value: Any) -> Any:
    if name == "tier":
        return Tier(value)
    return tuple(value) if isinstance(value, list) else value
