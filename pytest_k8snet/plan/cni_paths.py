"""Where flannel's DaemonSet puts its CNI configuration and its CNI program on the node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pytest_k8snet.model.recording import Recording

from .flannel import NAMESPACES

CONFIGURATIONS = (".conf", ".conflist", ".json")
CONFIG_FOLDER, PROGRAM_FOLDER = "/etc/cni/net.d", "/opt/cni/bin"  # where everybody looks by default
PROGRAM = "flannel"
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """Directories of the node; `file` is the configuration's name. "" where the DaemonSet does not tell."""

    config: str = ""
    file: str = ""
    programs: str = ""


def written(recording: Recording) -> Written:
    """What the containers of flannel's DaemonSet copy, by their own words, to directories of the node."""
    config = file = programs = ""
    for path in _destinations(recording):
        if path.suffix in CONFIGURATIONS:
            config, file = str(path.parent), path.name
        elif path.name == PROGRAM:
            programs = str(path.parent)
    return Written(config, file, programs)


def _destinations(recording: Recording) -> Iterator[PurePosixPath]:
    for namespace in NAMESPACES:
        body = recording.object(f"daemonsets/{namespace}")
        for item in (body.get("items") or ()) if isinstance(body, Mapping) else ():
            if PROGRAM in item["metadata"]["name"]:
                yield from _of_pod((item.get("spec") or {}).get("template", {}).get("spec") or {})


def _of_pod(pod: Body) -> Iterator[PurePosixPath]:
    folders = {volume["name"]: volume["hostPath"]["path"] for volume in pod.get("volumes") or () if volume.get("hostPath")}
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        mounts = {PurePosixPath(m["mountPath"]): folders[m["name"]] for m in container.get("volumeMounts") or () if m["name"] in folders}
        for word in (*(container.get("command") or ()), *(container.get("args") or ())):
            path = PurePosixPath(str(word))
            if path.parent in mounts:
                yield PurePosixPath(mounts[path.parent]) / path.name
