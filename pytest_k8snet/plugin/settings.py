"""Options and ini values -> one validated `Settings`; whatever is wrong becomes one usage error."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.settings import Keep, Settings, Tier

from . import targets
from .options import OPTIONS, value

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_PREFIX = 63 - len("-privileged")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
LONGEST_TIMEOUT = 60  # of the agents, see pytest_k8snet/agent/probing/request.py


def build(config: pytest.Config) -> Settings:
    """The settings of this run. Raises UsageProblem naming the option, its value and what is allowed."""
    given = {option.dest: (option.flag, value(config, option)) for option in OPTIONS}
    _refuse_empty(given.values())
    given = {dest: pair for dest, pair in given.items() if pair[1] not in (None, [], False)}
    fields = {dest.removeprefix("k8snet_"): _read(dest, flag, raw) for dest, (flag, raw) in given.items()}
    fields = {_FIELDS.get(name, name): field for name, field in fields.items()}
    settings = Settings(**fields, run_id=secrets.token_hex(3))
    _check_together(config, settings)
    return settings


def _refuse_empty(given: Iterable[tuple[str, Any]]) -> None:
    """As an unset variable of a shell leaves it: a run that judges nothing must not look like one that found nothing."""
    for flag, raw in given:
        if any(isinstance(text, str) and not text.strip() for text in (raw if isinstance(raw, list) else [raw])):
            raise UsageProblem(f"{flag} is empty: give it a value, or leave it out")


def _check_together(config: pytest.Config, settings: Settings) -> None:
    if settings.context and settings.replay:
        raise UsageProblem("--k8s-context and --k8snet-replay exclude each other: judge a cluster or a recording")
    if settings.replay and (settings.sweep or settings.plan or settings.record):
        raise UsageProblem("--k8snet-replay reads a recording and creates nothing: drop --k8snet-sweep, --k8snet-plan and --k8snet-record")
    if settings.replay and config.option.k8snet_nodes:
        raise UsageProblem("--k8snet-nodes says where probe pods go, and a recording holds what they saw: drop it, or judge a cluster")
    if not settings.active and not config.option.collectonly:
        _refuse_without_cluster(config)


def _refuse_without_cluster(config: pytest.Config) -> None:
    """An option typed without its cluster is a mistake that must not end in a run without checks."""
    typed = [o.flag for o in OPTIONS if getattr(config.option, o.dest, None) not in (None, [])]
    if typed:
        raise UsageProblem(f"{typed[0]} needs --k8s-context NAME or --k8snet-replay FILE: without one of them nothing is assessed")


def _read(dest: str, flag: str, raw: Any) -> Any:
    reader = _READERS.get(dest.removeprefix("k8snet_"))
    try:
        return reader(raw) if reader else tuple(raw) if isinstance(raw, list) else raw
    except ValueError as error:
        raise UsageProblem(f"{flag} {raw if isinstance(raw, str) else ' '.join(raw)}: {error}") from None


def _choice(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"choose one of {', '.join(kind)}") from None

    return read


def _pull_policy(text: str) -> str:
    if text not in _PULL_POLICIES:
        raise ValueError(f"choose one of {', '.join(_PULL_POLICIES)}")
    return text


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("not a number") from None
    if not 0 < number < float("inf"):
        raise ValueError("must be a number above 0")
    return number


def _namespace(text: str) -> str:
    if not _LABEL.fullmatch(text) or len(text) > _LONGEST_PREFIX:
        raise ValueError(f"not a namespace prefix: lower case letters, digits and '-', at most {_LONGEST_PREFIX} characters")
    return text


def _image(text: str) -> str:
    if not text or any(character.isspace() for character in text):
        raise ValueError("not an image reference")
    return text


def _existing(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_file():
        raise ValueError("a directory, not a file" if path.is_dir() else "no such file")
    return path


def _features(items: list[str]) -> Mapping[str, bool]:
    features = {}
    for item in items:
        name, _, state = item.partition("=")
        if not name or state not in ("on", "off"):
            raise ValueError(f"{item!r} is not NAME=on or NAME=off")
        features[name] = state == "on"
    return features


def _deadline(text: str) -> float:
    number = _positive(text)
    if number > LONGEST_TIMEOUT:
        raise ValueError(f"the agents wait at most {LONGEST_TIMEOUT} seconds")
    return number


def _external_address(text: str) -> str:
    from ipaddress import ip_address

    if text != "off":
        try:
            ip_address(text)
        except ValueError:
            raise ValueError("not an IP address and not 'off'") from None
    return text


def _reports(items: list[str]) -> tuple[Path, ...]:
    paths = tuple(Path(item).expanduser().absolute() for item in items)
    wrong = [str(path) for path in paths if path.suffix != ".json"]
    if wrong:
        raise ValueError(f"{wrong[0]} has no suffix .json, the only format of reports")
    return paths


def _output(text: str) -> Path:
    return Path(text).expanduser().absolute()


_FIELDS = {"profile": "profiles", "requirement": "requirements", "feature": "features", "report": "reports"}
_READERS: dict[str, Callable[[Any], Any]] = {
    "kubeconfig": _existing,
    "feature": _features,
    "tier": _choice(Tier),
    "image": _image,
    "pull_policy": _pull_policy,
    "pod_patch": _existing,
    "namespace": _namespace,
    "probe_timeout": _deadline,
    "ready_timeout": _positive,
    "rate": _positive,
    "external": targets.read,
    "external_address": _external_address,
    "report": _reports,
    "record": _output,
    "replay": _existing,
    "keep": _choice(Keep),
}
