"""What a patch of the probe pods may not touch: where they run, how they are wired and resolve, and what runs in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

OUR_CONTAINERS = ("agent", "peer")
OUR_VOLUMES = ("agent", "run", "host")
OUR_LABELS = ("app.kubernetes.io/managed-by", "k8snet/run", "k8snet/role")
METADATA = ("labels", "annotations")
SPEC = (
    *("nodeName", "nodeSelector", "affinity", "topologySpreadConstraints", "schedulerName"),
    *("hostNetwork", "hostAliases", "hostname", "subdomain", "setHostnameAsFQDN", "dnsPolicy", "dnsConfig"),
    *("restartPolicy", "activeDeadlineSeconds", "ephemeralContainers"),
)
CONTAINER = ("command", "args", "ports", "volumeMounts", "workingDir", "lifecycle", "livenessProbe", "startupProbe", "readinessProbe")
MAPPINGS = ("labels", "annotations", "securityContext", "nodeSelector", "resources", "affinity")
NAMED = ("containers", "initContainers", "volumes", "imagePullSecrets", "env")


def objection(patch: dict[str, Any]) -> str:
    """The first thing wrong with a patch in words, "" if there is none."""
    return next(_objections(patch), "")


def _objections(patch: dict[str, Any]) -> Iterator[str]:
    metadata: Any = patch.get("metadata", {})
    spec: Any = patch.get("spec", {})
    for name, part in (("metadata", metadata), ("spec", spec)):
        if not isinstance(part, dict):
            yield f"{name} is no mapping"
            return
    yield from _shapes("metadata", metadata)
    yield from _shapes("spec", spec)
    yield from (f"metadata.{key} may not be changed" for key in metadata if key not in METADATA)
    yield from (f"metadata.labels.{key} may not be changed" for key in metadata.get("labels") or {} if key in OUR_LABELS)
    if "labels" in metadata and metadata["labels"] is None:
        yield "metadata.labels may not be removed"
    yield from (f"spec.{key} may not be changed" for key in SPEC if key in spec)
    yield from (f"spec.volumes {item['name']} may not be changed" for item in spec.get("volumes", ()) if item["name"] in OUR_VOLUMES)
    for item in spec.get("containers", ()):
        yield from _container(item)


def _container(item: dict[str, Any]) -> Iterator[str]:
    name = item["name"]
    if name in (*OUR_CONTAINERS, "*"):
        yield from (f"spec.containers {name}: {key} may not be changed" for key in CONTAINER if key in item)
        yield from _shapes(f"spec.containers {name}", item)


def _shapes(where: str, part: dict[Any, Any]) -> Iterator[str]:
    """Mappings that are none, and named lists whose items are no mappings with a name."""
    for key, value in part.items():
        if not isinstance(key, str):
            yield f"{where} has the key {key!r}, which is no text"
        elif key in NAMED and not _named(value):
            yield f"{where}.{key} is no list of mappings with a name"
        elif key in MAPPINGS and value is not None and not isinstance(value, dict):
            yield f"{where}.{key} is no mapping"


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in value)
