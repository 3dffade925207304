"""All compiled programs in one folder, and the list of images that the cluster will ask for."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab.artifacts import gotools
from lab.artifacts.cache import Cache, Component, digest
from lab.artifacts.command import Runner
from lab.artifacts.gotools import GoTool
from lab.progress import Step

BIN = "bin"
FLANNEL_MANIFEST = "kube-flannel.yml"
IMAGES = "images.txt"
CNI_TOOLS = (gotools.CNI_PLUGINS.name, gotools.FLANNEL_CNI.name)
RECIPE = "1"  # raise it where this module makes another folder of the same programs


def component(cache: Cache, built: Sequence[tuple[GoTool, Component]], runner: Runner) -> Component:
    """Hard links to the programs of every tool (`bin`, `bin/cni`), flannel's manifest, and `images.txt`."""

    def build(folder: Path, step: Step) -> None:
        (folder / BIN / "cni").mkdir(parents=True)
        for tool, part in built:
            target = folder / BIN / ("cni" if tool.name in CNI_TOOLS else "")
            _link(cache.folder(part), target, folder)
        (folder / IMAGES).write_text("\n".join(_image_names(folder, built[0][0].version, runner, step)) + "\n")

    return Component("programs", "collect programs", digest([RECIPE, *(part.key for _, part in built)]), build)


def _link(part: Path, target: Path, folder: Path) -> None:
    for program in (part / "bin").iterdir():
        os.link(program, target / program.name)
    for file in part.glob("*.yml"):
        shutil.copyfile(file, folder / file.name)


def _image_names(folder: Path, version: str, runner: Runner, step: Step) -> list[str]:
    """What kubeadm of this version and flannel's manifest ask for, by name and tag."""
    command = [str(folder / BIN / "kubeadm"), "config", "images", "list", "--kubernetes-version", version]
    asked = runner.run(command, what=step.name, log="programs.log")
    from_kubeadm = [line for line in asked.split() if re.fullmatch(r"[\w./-]+:[\w.-]+", line)]
    from_flannel = re.findall(r"^\s*image: (\S+)$", (folder / FLANNEL_MANIFEST).read_text(), re.MULTILINE)
    return sorted({*from_kubeadm, *from_flannel})
