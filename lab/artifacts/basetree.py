"""The nodes' read-only root: a minimal Debian with containerd, runc and the network tools of a node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from lab.artifacts.cache import Component, digest, remove_tree
from lab.artifacts.command import Runner
from lab.progress import Step

SUITE = "bookworm"
RECIPE = "1"  # raise it where this module makes another tree of the same packages
PACKAGES = (
    "ca-certificates",
    "conntrack",
    "containerd",
    "ethtool",
    "iproute2",
    "iptables",
    "iputils-arping",
    "iputils-ping",
    "kmod",
    "libcap2-bin",
    "nftables",
    "procps",
    "python3",
    "runc",
    "socat",
    "tcpdump",
)
FOLDERS = ("etc/cni/net.d", "etc/kubernetes", "opt/cni/bin", "var/lib/containerd", "var/lib/etcd", "var/lib/kubelet")
UNWANTED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")
VERSIONS = "packages.txt"


def component(runner: Runner) -> Component:
    """The tree as an artifact: folder `tree`, and `packages.txt` with a name and a version per line."""

    def build(folder: Path, step: Step) -> None:
        _debootstrap(folder / "tree", runner, step)
        _tidy(folder / "tree")
        (folder / VERSIONS).write_text(package_versions((folder / "tree/var/lib/dpkg/status").read_text()))

    return Component("base", f"debian tree {SUITE}", digest([SUITE, RECIPE, *PACKAGES, os.uname().machine]), build)


def _debootstrap(tree: Path, runner: Runner, step: Step) -> None:
    arguments = ["--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(tree), *mirror()]
    # its mounts and processes live in namespaces of their own and end with them
    private = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    runner.run([*private, "debootstrap", *arguments], what=step.name, log="debian.log", line=step.live)


def mirror() -> list[str]:
    """The mirror that this host's apt uses for the suite; empty for debootstrap's own default."""
    query = ["apt-get", "indextargets", "--format", "$(CODENAME) $(ORIGIN) $(SITE)"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    sites = [line.split()[2] for line in listed.splitlines() if line.startswith(f"{SUITE} Debian ")]
    return sites[:1]


def _tidy(tree: Path) -> None:
    for name in UNWANTED:
        remove_tree(tree / name)
    for name in FOLDERS:
        (tree / name).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(tree / "var/cache/debconf", ignore_errors=True)
    for name in ("etc/hostname", "etc/machine-id", "etc/resolv.conf"):
        (tree / name).write_text("")


def package_versions(status: str) -> str:
    """dpkg's status file as lines of name and version."""
    lines = []
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
        if "Version" in fields:
            lines.append(f"{fields['Package']} {fields['Version']}\n")
    return "".join(sorted(lines))
