"""The disks of a node: a writable layer over the shared base tree, a seeded image store, and the node's own files."""

from __future__ import annotations

import json
import shutil
import uuid
from importlib import resources
from pathlib import Path
from string import Template

from lab import addresses, process
from lab.addresses import Node
from lab.artifacts import Artifacts

COMPLETE = "complete.json"
# kubelet writes these at start; files with the values it wants, mounted over them, keep the machine's own as they are.
KUBELET_SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def create(disk: Path, node: Node, artifacts: Artifacts, files: dict[str, str]) -> None:
    """Make the disk of a new node.

    Args:
        files: text of further files by their absolute path in the node.
    """
    for name in ("upper", "work", "kubelet", "log", "flannel"):
        (disk / name).mkdir(parents=True, exist_ok=True)
    _seed_images(artifacts.stores[node.role], disk / "containerd")
    _write_all(disk / "sysctl", {name: f"{value}\n" for name, value in KUBELET_SYSCTLS.items()})
    _write_all(disk / "upper", {**_own_files(node, artifacts), **files})
    _copy_plugins(artifacts.bin / "cni", disk / "upper/opt/cni/bin")


def _seed_images(store: Path, target: Path) -> None:
    process.run(["cp", "-al", str(store), str(target)], what=f"copying the image store to {target}")
    for database in store.rglob("*.db"):  # the only files that containerd writes in place
        own = target / database.relative_to(store)
        own.unlink()
        shutil.copy2(database, own)


def _own_files(node: Node, artifacts: Artifacts) -> dict[str, str]:
    boot = resources.files("lab") / "boot"
    pause = f"registry.k8s.io/pause:{artifacts.versions['pause'].removeprefix('v')}"
    return {
        "/etc/containerd/config.toml": Template((boot / "containerd.toml").read_text()).substitute(pause=pause),
        "/usr/local/sbin/k8snet-node": (boot / "node.sh").read_text(),
        "/etc/machine-id": f"{uuid.uuid4().hex}\n",
        "/etc/hostname": f"{node.name}\n",
        "/etc/hosts": hosts(),
    }


def hosts() -> str:
    """/etc/hosts of every node; it names all nodes that a lab can have."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"]
    for node in addresses.nodes(addresses.MOST_WORKERS):
        lines += [f"{node.address} {node.name}", f"{node.address6} {node.name}"]
    return "\n".join(lines) + "\n"


def resolver(families: str = "ipv4") -> str:
    """/etc/resolv.conf of the nodes and the runner: the DNS server on the lab's internet, by the cluster's first family."""
    return f"nameserver {addresses.of_cluster(families, addresses.INTERNET_DNS, addresses.INTERNET_DNS6)[0]}\n"


def _write_all(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        target = root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def _copy_plugins(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for plugin in source.iterdir():
        if plugin.name != "flannel":  # flannel's own DaemonSet installs it
            shutil.copy2(plugin, target / plugin.name)


def origin(artifacts: Artifacts) -> dict[str, object]:
    """What disks are made of; disks of another origin cannot be resumed."""
    return {
        "base": str(artifacts.base),
        "stores": {k: str(v) for k, v in artifacts.stores.items()},
        "versions": artifacts.versions,
    }


def read_complete(disks: Path) -> dict[str, object] | None:
    """What was noted when the cluster on these disks was complete; None if it never was."""
    try:
        noted = json.loads((disks / COMPLETE).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return noted if isinstance(noted, dict) else None


def remove(folder: Path) -> None:
    """Delete disks: first the note that they are complete, so that a killed removal leaves nothing that looks whole."""
    (folder / COMPLETE).unlink(missing_ok=True)
    if folder.exists():
        process.run(["rm", "-rf", "--one-file-system", str(folder)], what=f"deleting {folder}", timeout=300)
