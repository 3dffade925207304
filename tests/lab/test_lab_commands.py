"""The commands of a running lab, and what its network lets through. Changes nothing that lasts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = [sys.executable, "-m", "lab"]
NODES = ["k8snet-control", "k8snet-worker1", "k8snet-worker2"]


def call(*argv: str, text: str | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LAB, *argv],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
    )


def output(*argv: str) -> str:
    done = call(*argv)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def status() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(output("status", "--json"))
    assert values["state"] == "running", "start it with `python -m lab up`"
    return values


@pytest.fixture(autouse=True)
def _running(status: dict[str, Any]) -> None:
    """Every test here needs the lab up."""


def python_on_runner(code: str) -> str:
    return output("run", "--", sys.executable, "-c", code)


@pytest.mark.parametrize("where", [["run"], ["exec", "k8snet-worker1"]])
@pytest.mark.parametrize("code", [0, 3, 255])
def test_exit_code_is_the_commands(where: list[str], code: int) -> None:
    assert call(*where, "--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("where", [["run"], ["exec", "k8snet-worker1"]])
def test_no_such_program(where: list[str]) -> None:
    done = call(*where, "--", "k8snet-absent")
    assert (done.returncode, done.stderr) == (127, "lab: k8snet-absent: no such program\n")


@pytest.mark.parametrize("where", [["run"], ["exec", "k8snet-worker1"]])
def test_stdin_and_arguments_pass_unchanged(where: list[str]) -> None:
    done = call(*where, "--", "sh", "-c", 'cat; printf "%s|" "$@"', "sh", "a b", "--", "*", text="in\n")
    assert done.stdout == "in\na b|--|*|"


@pytest.mark.parametrize(("where", "code"), [(["run"], -signal.SIGTERM), (["exec", "k8snet-worker1"], 143)])
def test_signals_are_forwarded(where: list[str], code: int) -> None:
    child = subprocess.Popen([*LAB, *where, "--", "sh", "-c", "echo on; exec sleep 4242"], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    child.terminate()
    assert child.wait(5) == code
    time.sleep(0.1)
    assert "sleep 4242" not in output("exec", "k8snet-worker1", "--", "ps", "ax", "-o", "args")


def test_run_keeps_folder_and_names_cluster_and_image(status: dict[str, Any]) -> None:
    shown = output("run", "--", "sh", "-c", "pwd; echo $KUBECONFIG; echo $PYTEST_ADDOPTS; cat /etc/resolv.conf")
    image = f"--k8snet-image={status['probeImage']}"
    external = "--k8snet-external=tcp://198.51.100.10:80 --k8snet-external=dns://198.51.100.53/www.example.test"
    assert shown.splitlines() == [str(ROOT), status["kubeconfig"], f"{image} {external}", "nameserver 198.51.100.53"]


def test_the_machines_own_resolver_stays() -> None:
    before = Path("/etc/resolv.conf").read_text()
    output("run", "--", "true")
    assert Path("/etc/resolv.conf").read_text() == before


def test_exec_enters_every_namespace() -> None:
    shown = output(
        "exec",
        "k8snet-worker2",
        "--",
        "sh",
        "-c",
        "hostname; cat /proc/1/comm; ip -4 -o a show dev eth0; cat /proc/self/cgroup",
    )
    assert shown.splitlines()[:2] == ["k8snet-worker2", "bash"]
    assert "172.30.0.13/24" in shown
    assert "k8snet-lab" not in shown, "a node sees its own cgroup as the root"


def test_nodes_are_ready_and_control_keeps_its_taint() -> None:
    nodes = json.loads(output("kubectl", "get", "nodes", "-o", "json"))["items"]
    assert [one["metadata"]["name"] for one in nodes] == NODES
    assert [one["key"] for one in nodes[0]["spec"]["taints"]] == ["node-role.kubernetes.io/control-plane"]
    assert not any(one["spec"].get("unschedulable") for one in nodes)


def test_replicas_of_coredns_are_on_the_workers() -> None:
    path = "jsonpath={.items[*].spec.nodeName}"
    found = output("kubectl", "-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", path)
    assert sorted(found.split()) == NODES[1:]


def test_metrics_of_the_api_server() -> None:
    assert "apiserver_request_total" in output("kubectl", "get", "--raw", "/metrics")


@pytest.mark.parametrize("node", NODES)
def test_stand_in_rules_are_gone(node: str) -> None:
    assert "labguard" not in output("exec", node, "--", "nft", "list", "tables")


def test_api_answers_only_in_the_runner(status: dict[str, Any]) -> None:
    kubectl = ["kubectl", "--kubeconfig", status["kubeconfig"], "get", "--raw", "/readyz"]
    program = Path(status["cache"]).glob("artifacts/programs-*/bin/kubectl")
    outside = subprocess.run([str(next(program)), *kubectl[1:]], capture_output=True, text=True)
    assert outside.returncode != 0
    assert "127.0.0.1:46443 was refused" in outside.stderr
    assert output("kubectl", "get", "--raw", "/readyz") == "ok"


@pytest.mark.parametrize("target", ["192.0.2.1", "10.0.0.1", "172.31.0.1", "8.8.8.8"])
@pytest.mark.parametrize("where", [["run"], ["exec", "k8snet-worker1"]])
def test_nothing_leaves(where: list[str], target: str) -> None:
    code = f"import socket; socket.create_connection(('{target}', 80), 3)"
    done = call(*where, "--", sys.executable if where == ["run"] else "python3", "-c", code)
    assert "Network is unreachable" in done.stderr or "No route to host" in done.stderr, done.stderr


def test_router_knows_the_labs_networks_only(status: dict[str, Any]) -> None:
    router = json.loads((Path(status["stateFolder"]) / "state.json").read_text())["processes"]["router"]["pid"]
    routes = subprocess.run(["nsenter", "-t", str(router), "-n", "ip", "route"], capture_output=True, text=True).stdout
    assert sorted(line.split()[0] for line in routes.splitlines()) == [
        "172.30.0.0/24", "198.51.100.0/24", "203.0.113.0/24",
    ]  # fmt: skip


def test_internet_sees_the_runner() -> None:
    seen = python_on_runner("import urllib.request; print(urllib.request.urlopen('http://www.example.test/', timeout=3).read().decode())")
    assert json.loads(seen)["peer"][0] == "203.0.113.10"


def test_nodes_see_the_internets_names() -> None:
    for node in NODES:
        assert output("exec", node, "--", "getent", "ahostsv4", "www.example.test").startswith("198.51.100.10")


def test_second_up_is_quick_and_changes_nothing() -> None:
    before = output("status", "--json")
    start = time.monotonic()
    assert "nothing changed" in output("up")
    assert time.monotonic() - start <= 3
    assert output("status", "--json") == before


def test_logs_of_a_component() -> None:
    assert "== k8snet-control/kube-apiserver-k8snet-control/kube-apiserver/" in output("logs", "kube-apiserver")
    assert "k8snet-worker1/kubelet" in output("logs")
