"""A node of the lab: a process tree with its own net, mount, pid, uts, ipc and cgroup namespaces, and its own root."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from lab import cgroup, namespace, process
from lab.addresses import Node
from lab.errors import LabError
from lab.process import Process
from lab.state import Lab, Places

PATH = "/opt/k8snet:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWNER = "K8SNET_LAB_OWNER"  # in the environment of what runs beside the nodes: the state folder of the lab it belongs to
STARTING, CRI_SERVES = 'msg="starting containerd"', 'msg="Start streaming server"'  # in containerd's log, which is kept from boot to boot
NAMESPACES = ["-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]


def hold_network(name: str, where: Places) -> Process:
    """Start a process that does nothing but keep a new network namespace."""
    cgroup.create("hosts")
    entrances = cgroup.entrances("hosts")

    def prepare() -> None:
        cgroup.enter(entrances)
        namespace.unshare(namespace.CLONE_NEWNET)

    return process.spawn(name, ["sleep", "infinity"], where.log(name), prepare, {"PATH": PATH, OWNER: str(where.run)})


def host_program(name: str, network: int, argv: Sequence[str], where: Places) -> Process:
    """Start a program of a host (internet) in the network namespace of a process."""
    entrances = cgroup.entrances("hosts")

    def prepare() -> None:
        cgroup.enter(entrances)
        namespace.join(network, "net")

    return process.spawn(name, argv, where.log(name), prepare, {**os.environ, OWNER: str(where.run)})


def start(node: Node, network: int, where: Places, lab: Lab) -> Process:
    """Boot a node whose disk is ready, in a network namespace that is connected already."""
    cgroup.create(node.name)
    entrances = cgroup.entrances(node.name)
    root = where.run / "roots" / node.name
    root.mkdir(parents=True, exist_ok=True)

    def prepare() -> None:
        cgroup.enter(entrances)
        namespace.join(network, "net")

    with resources.as_file(resources.files("lab") / "boot" / "init.sh") as script:
        argv = [
            "unshare", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork", "--kill-child",
            "--propagation", "private", "/bin/bash", str(script),
        ]  # fmt: skip
        env = _environment(node, where.disk(node.name), root, lab)
        started = process.spawn(node.name, argv, where.log(node.name), prepare, env)
    cgroup.settle(node.name, lambda: process.first_child(started.pid) and started.pid)
    return started


def _environment(node: Node, disk: Path, root: Path, lab: Lab) -> dict[str, str]:
    mounted = cgroup.hierarchies()
    groups = "unified" if mounted[0].version == 2 else "\n".join(one.option for one in mounted)
    return {
        "PATH": PATH, "NODE": node.name, "ROOT": str(root), "LOWER": lab.base, "DISK": str(disk), "BIN": lab.bin,
        "CGROUPS": groups,
    }  # fmt: skip


def init_pid(node: Process) -> int:
    """The node's pid 1, as the machine numbers it; LabError if the node is gone."""
    pid = process.first_child(node.pid)
    if pid is None or not node.alive():
        raise LabError(f"node {node.name} does not run: see `python -m lab status`")
    return pid


def containerd_answers(node: Process, log: Path) -> bool:
    """True once containerd of a node accepts connections and its CRI plugin, which comes later, serves: its log says so."""
    pid = process.first_child(node.pid)
    if not node.alive():
        raise LabError(f"node {node.name} ended while it booted")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        if client.connect_ex(f"/proc/{pid}/root/run/containerd/containerd.sock") != 0:
            return False
    return CRI_SERVES in log.read_text("utf-8", "replace").rpartition(STARTING)[2]


def command(node: Process, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` inside a node, in its cgroups too."""
    join = "; ".join(f"echo $$ > {file}" for file in cgroup.later_entrances(node.name))
    inside = ["env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8", "KUBECONFIG=/etc/kubernetes/admin.conf", *argv]
    return ["/bin/sh", "-c", f'{join}; exec "$@"', "sh", "nsenter", "-t", str(init_pid(node)), *NAMESPACES, *inside]


def run(node: Process, argv: Sequence[str], *, what: str, timeout: float = 120) -> str:
    """Run a command inside a node and return its output; LabError with its last lines if it fails."""
    return process.run(command(node, argv), what=f"{what} on {node.name}", timeout=timeout)
