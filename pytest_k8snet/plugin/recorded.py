"""Settings inside a recording: a replay judges under the settings that shaped what was collected, unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import DamagedRecording, Recording
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.parse.objects import inventory

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


def described(path: Path, recording: Recording) -> Inventory:
    """The cluster that a recording is of. Raises UsageProblem if its API objects have no shape that the API gives them."""
    try:
        return inventory(recording)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise UsageProblem(f"--k8snet-replay {path} is damaged: its API objects cannot be read ({error!r})") from None


def under(settings: Settings, noted: Mapping[str, Any], run_id: str) -> Settings:
    """The settings of a replay: what shaped the recording is taken from it, what was demanded too where nothing else is asked for."""
    if not isinstance(noted, Mapping):
        raise UsageProblem("--k8snet-replay: the recording is damaged: its settings are no mapping")
    default = Settings()
    taken = {name: _typed(name, noted[name]) for name in _SHAPING if name in noted}
    unasked = [name for name in _DEMANDING if name in noted and getattr(settings, name) == getattr(default, name)]
    return replace(settings, **taken, **{name: _typed(name, noted[name]) for name in unasked}, run_id=run_id or settings.run_id)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, dict) else value


def _typed(name: str, value: Any) -> Any:
    """Raises UsageProblem for a value that no run has written."""
    if name == "tier" and value in list(Tier):
        return Tier(value)
    value = tuple(value) if isinstance(value, list) else value
    default = getattr(Settings(), name)
    whole = isinstance(default, float) and type(value) is int
    if name == "tier" or not (whole or isinstance(value, type(default))):
        raise UsageProblem(f"--k8snet-replay: the recording is damaged: its setting {name} is {value!r}")
    return value
