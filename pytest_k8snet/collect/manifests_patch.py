"""The user's patch for every probe pod: a deep merge in which named list items meet by their name, as kubectl's strategic merge does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pytest_k8snet.errors import UsageProblem

from .patch_rules import objection

BY_NAME = ("containers", "initContainers", "volumes", "imagePullSecrets", "env")
EVERY = "*"  # a container of this name in the patch means every container


def load(path: Path | None) -> dict[str, Any]:
    """The patch of that file (YAML or JSON); {} for None. Raises UsageProblem naming the file."""
    if path is None:
        return {}
    try:
        value = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageProblem(f"--k8snet-pod-patch {path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(value, dict) or not set(value) <= {"apiVersion", "kind", "metadata", "spec"}:
        raise UsageProblem(f"--k8snet-pod-patch {path} is no patch of a pod: it may hold metadata and spec only")
    if problem := objection(value):
        raise UsageProblem(f"--k8snet-pod-patch {path}: {problem}; a patch may add pull secrets, labels, priority, limits and the like")
    return value


def apply(manifest: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A new manifest. Mappings merge, null removes, lists are replaced, items of named lists merge by name."""
    merged = dict(manifest)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            old = merged.get(key)
            merged[key] = apply(old if isinstance(old, dict) else {}, value)
        elif key in BY_NAME and isinstance(value, list) and isinstance(merged.get(key, []), list):
            merged[key] = _by_name(merged.get(key, []), value)
        else:
            merged[key] = value
    return merged


def _by_name(items: list[Any], patches: list[Any]) -> list[Any]:
    named = {item.get("name"): item for item in items}
    for patch in patches:
        for name in list(named) if patch.get("name") == EVERY else [patch.get("name")]:
            named[name] = apply(named.get(name, {}), {**patch, "name": name})
    return list(named.values())
