"""What a run demands: which requirements, at which level, and why the others are left out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_k8snet.errors import UsageProblem
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.requirement import Requirement
from pytest_k8snet.model.settings import Settings, Tier
from pytest_k8snet.model.verdict import Level

from .applies import Answer, evaluate
from .catalogue import Catalogue, read_yaml
from .features import FEATURES, values

_KEYS = frozenset({"text", "extends", "select", "levels"})


@dataclass(frozen=True, slots=True)
class Profile:
    """A file of `conformance/profiles`: patterns that select, and levels that differ from the catalogue's."""

    name: str
    text: str = ""
    select: tuple[str, ...] = ("*",)
    levels: Mapping[str, Level] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedProfile:
    """`selected` are the ids to judge. Every other id of the catalogue is in exactly one of the three mappings, with its reason.

    `unknown` applies or not, nobody can tell: a MUST there is inconclusive, never skipped.
    """

    names: tuple[str, ...]
    detected: bool
    levels: Mapping[str, Level]
    selected: tuple[str, ...]
    not_applicable: Mapping[str, str]
    not_selected: Mapping[str, str]
    unknown: Mapping[str, str]


def load(name: str, folder: Path, above: tuple[Path, ...] = ()) -> Profile:
    """By name from `folder`, or by path. Raises UsageProblem: unknown (with the known names), unreadable, or with wrong content.

    `above` are the files that led here by `extends`.
    """
    path = Path(name) if "/" in name or name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if not path.is_file():
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageProblem(f"no profile {name!r}; {hint}known: {', '.join(known)}, or the path of a YAML file")
    if path.resolve() in above:
        raise UsageProblem(f"{path} extends itself" + (f", through {', '.join(file.name for file in above[1:])}" if above[1:] else ""))
    return _profile(path, read_yaml(path), folder, (*above, path.resolve()))


def detect(inventory: Inventory) -> str:
    """The name of the bundled profile that fits a cluster when none is given."""
    return "kubeadm-flannel" if (inventory.installer, inventory.cni) == ("kubeadm", "flannel") else "core"


def resolve(settings: Settings, inventory: Inventory, catalogue: Catalogue, folder: Path) -> ResolvedProfile:
    """Raises UsageProblem for an unknown profile, requirement or feature."""
    _check_features(settings.features)
    names = settings.profiles or (detect(inventory),)
    profiles = [load(name, folder) for name in names]
    wanted = set(catalogue.matching(pattern for profile in profiles for pattern in profile.select))
    if settings.requirements:
        wanted = set(catalogue.matching(settings.requirements))
    by = "--k8snet-requirement" if settings.requirements else f"profile {', '.join(names)}"
    not_selected = {requirement_id: f"not selected by {by}" for requirement_id in catalogue if requirement_id not in wanted}
    no, unknown = _sort_out([catalogue[i] for i in catalogue if i in wanted], settings, inventory)
    selected = tuple(i for i in catalogue if i in wanted and i not in no and i not in unknown)
    return ResolvedProfile(names, not settings.profiles, _levels(catalogue, profiles, settings), selected, no, not_selected, unknown)


def _sort_out(wanted: Iterable[Requirement], settings: Settings, inventory: Inventory) -> tuple[dict[str, str], dict[str, str]]:
    known = values(inventory, settings)
    no: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for requirement in wanted:
        applies = evaluate(requirement.applies, known)
        declared_off = _declared_off(requirement, settings)
        if applies.answer is Answer.NO or declared_off:
            no[requirement.id] = applies.reason if applies.answer is Answer.NO else declared_off
        elif applies.answer is Answer.UNKNOWN:
            unknown[requirement.id] = applies.reason
    return no, unknown


def _declared_off(requirement: Requirement, settings: Settings) -> str:
    """Why the user's options forbid to look, "" if they do not."""
    if requirement.kind == "privileged" and settings.tier is not Tier.PRIVILEGED:
        return f"declared off: reads the node, which needs the tier privileged (--k8snet-tier {settings.tier})"
    if requirement.kind == "disruptive" and not settings.disruptive:
        return "declared off: changes the cluster (--k8snet-disruptive)"
    return ""


def _levels(catalogue: Catalogue, profiles: Iterable[Profile], settings: Settings) -> dict[str, Level]:
    levels = {requirement.id: requirement.level for requirement in catalogue.values()}
    if "NET-REACH-019" in levels and any(target.startswith("tcp://") for target in settings.external):
        levels["NET-REACH-019"] = Level.SHOULD  # its own words: a declared target makes it a SHOULD
    for profile in profiles:
        for requirement_id, level in profile.levels.items():
            levels[catalogue[requirement_id].id] = level
    return levels


def _check_features(declared: Mapping[str, bool]) -> None:
    for name in declared:
        if name not in FEATURES:
            raise UsageProblem(f"no feature {name!r}; known: {', '.join(FEATURES)}")


def _profile(path: Path, document: Any, folder: Path, above: tuple[Path, ...]) -> Profile:
    if problem := _problem(document):
        raise UsageProblem(f"{path} is no profile: {problem}")
    base = _base(document, folder, above)
    select = document.get("select") or base.select
    return Profile(path.stem, str(document.get("text", "")), tuple(map(str, select)), {**base.levels, **_read_levels(path, document)})


def _base(document: Mapping[str, Any], folder: Path, above: tuple[Path, ...]) -> Profile:
    if document.get("extends") == above[-1].stem:
        raise UsageProblem(f"{above[-1]} extends itself")
    return load(str(document["extends"]), folder, above) if "extends" in document else Profile("")


def _problem(document: Any) -> str:
    """What is wrong with the content of a profile file, "" if nothing."""
    if not isinstance(document, dict) or set(document) - _KEYS:
        return f"it may hold {', '.join(sorted(_KEYS))}, nothing else"
    if not isinstance(document.get("select") or [], list):
        return "select is no list of ids and globs"
    return "" if isinstance(document.get("levels") or {}, dict) else "levels is no mapping of ids to levels"


def _read_levels(path: Path, document: Mapping[str, Any]) -> dict[str, Level]:
    try:
        return {str(requirement_id): Level(level) for requirement_id, level in (document.get("levels") or {}).items()}
    except ValueError as error:
        raise UsageProblem(f"{path}: {error} (MUST, SHOULD or MAY)") from error
