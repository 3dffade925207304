"""kubeadm's commands in the nodes: init on the control-plane node, join on workers side by side."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from lab import kubeadm, process, wait
from lab.addresses import CONTROL, Node
from lab.cluster import Cluster
from lab.errors import LabError
from lab.progress import Step

LIMIT = 300.0  # seconds


def init(cluster: Cluster, step: Step) -> None:
    """Run `kubeadm init`; LabError with the end of its log."""
    _run_all(cluster, {CONTROL: kubeadm.INIT}, step)


def join(cluster: Cluster, nodes: Sequence[Node], step: Step) -> None:
    """Run `kubeadm join` on the given workers at the same time."""
    cluster.wait(lambda: _token_signed(cluster), "the cluster-info is signed with the join token", "kube-controller-manager")
    _run_all(cluster, dict.fromkeys(nodes, kubeadm.JOIN), step)


def _token_signed(cluster: Cluster) -> bool:
    info = cluster.api.get("/api/v1/namespaces/kube-public/configmaps/cluster-info")
    return f"jws-kubeconfig-{kubeadm.TOKEN.split('.')[0]}" in info["data"]


def _run_all(cluster: Cluster, commands: dict[Node, list[str]], step: Step) -> None:
    logs = {one: cluster.where.log(f"kubeadm-{one.name}") for one in commands}
    running: dict[Node, subprocess.Popen[bytes]] = {}
    try:
        for one, argv in commands.items():
            running[one] = _start(cluster.command(one, argv), logs[one])
        _wait_all(running, logs, step)
    finally:
        for child in running.values():
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                child.wait()


def _start(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    with process.signals_held(), log.open("wb") as output:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def _wait_all(running: dict[Node, subprocess.Popen[bytes]], logs: dict[Node, Path], step: Step) -> None:
    end = time.monotonic() + LIMIT
    while any(child.poll() is None for child in running.values()):
        if time.monotonic() > end:
            raise LabError(f"kubeadm did not end within {LIMIT:.0f} s{wait.excerpt(list(logs.values()))}")
        step.live(_last_line(next(iter(logs.values()))))
        time.sleep(0.05)
    for one, child in running.items():
        if child.returncode:
            raise LabError(f"kubeadm on {one.name} failed (exit code {child.returncode}){wait.excerpt([logs[one]])}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
