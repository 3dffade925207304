"""The lab comes up from any state and leaves nothing behind: after `down`, after a signal at any step, after SIGKILL.

Needs root and takes down the lab that runs (it is resumed at the end); the lab under test has folders of its own and
uses the artifacts already built.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import footprint, steps

ROOT = Path(__file__).resolve().parents[2]
MARK = "k8snet-leftovers-"  # in the lab's folder name, so in the environment of all that it starts
CACHE = Path(os.environ.get("K8SNET_LAB_CACHE") or Path.home() / ".cache/k8snet-lab")


class OwnLab:
    """A lab with its own state and disks."""

    def __init__(self, folder: Path) -> None:
        self.env = {**os.environ, "K8SNET_LAB_CACHE": str(folder), "K8SNET_LAB_STATE": str(folder / "state")}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-u", "-m", "lab", *arguments]
        return subprocess.Popen(argv, cwd=ROOT, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, *arguments: str) -> tuple[int, str]:
        child = self.start(*arguments)
        text = child.communicate(timeout=300)[0]
        return child.returncode, text

    def state(self) -> str:
        return str(json.loads(self.run("status", "--json")[1])["state"])


def _default(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "lab", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    running = json.loads(_default("status", "--json"))["state"] == "running"
    if running:
        _default("down", "--keep")
    folder = Path(tempfile.mkdtemp(prefix=MARK, dir=CACHE))
    (folder / "artifacts").symlink_to(CACHE / "artifacts")
    own = OwnLab(folder)
    try:
        yield own
    finally:
        own.run("down")
        shutil.rmtree(folder)
        if running:
            _default("up")


@pytest.fixture
def before(lab: OwnLab) -> footprint.Footprint:
    assert lab.run("down")[0] == 0
    return footprint.snapshot(MARK)


def bring_up(lab: OwnLab, *options: str) -> None:
    code, text = lab.run("up", *options)
    assert code == 0, text


def assert_equal(before: footprint.Footprint) -> None:
    """Nothing left; dying processes and their namespaces get two seconds."""
    end = time.monotonic() + 2
    while (lines := before.differences(footprint.snapshot(MARK))) and time.monotonic() < end:
        time.sleep(0.1)
    assert lines == []


def _read_until(child: subprocess.Popen[str], step: str) -> str:
    """What is printed up to and including the line of a step; `step` "" returns at once."""
    assert child.stdout is not None
    text = ""
    while step and (line := child.stdout.readline()):
        text += line
        if f"] {step}" in line:
            break
    return text


def _wait_handled(child: subprocess.Popen[str]) -> None:
    """Until the lab handles signals, SIGHUP the last of them: Python needs a moment to start, and on a busy machine a long one."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{child.pid}/status").read_text(), re.MULTILINE)
        if caught and int(caught[1], 16) & (1 << (signal.SIGHUP - 1)):
            return
        time.sleep(0.02)
    raise AssertionError("signals are not handled after 20 s")


def test_up_run_down(lab: OwnLab, before: footprint.Footprint) -> None:
    bring_up(lab)
    assert 0 < footprint.resident_memory() <= 1.8 * (1 << 30)
    code, text = lab.run("up")
    assert (code, "nothing changed" in text) == (0, True), text
    assert lab.run("run", "--", "sh", "-c", "sleep 100 > /dev/null 2>&1 & exit 3")[0] == 3
    assert before.differences(footprint.snapshot(MARK)), "the lab runs and nothing is seen of it: the comparison is blind"
    assert lab.run("down")[0] == 0
    assert_equal(before)


def test_keep_and_resume(lab: OwnLab, before: footprint.Footprint) -> None:
    bring_up(lab)
    assert lab.run("kubectl", "create", "namespace", "survives")[0] == 0
    assert lab.run("down", "--keep")[0] == 0
    assert_equal(before)
    assert lab.state() == "kept"
    code, text = lab.run("up")
    assert (code, "kubeadm init" in text) == (0, False), text
    assert lab.run("kubectl", "get", "namespace", "survives")[0] == 0
    assert lab.run("down")[0] == 0
    assert_equal(before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", ["", *steps.COLD[:-1]])
def test_signal_at_a_step(lab: OwnLab, before: footprint.Footprint, step: str, number: signal.Signals) -> None:
    child = lab.start("up")
    seen = _read_until(child, step)
    _wait_handled(child)
    time.sleep(0.3)
    child.send_signal(number)
    rest = child.communicate(timeout=60)[0]
    assert child.returncode == 128 + number, seen + rest
    assert "Traceback" not in rest
    assert f"stopped by {number.name}" in rest.splitlines()[-1]
    assert_equal(before)
    assert lab.state() == "stopped"


@pytest.mark.parametrize("step", [steps.COLD[0], steps.COLD[2], steps.COLD[5]])
def test_killed_up(lab: OwnLab, before: footprint.Footprint, step: str) -> None:
    child = lab.start("up")
    _read_until(child, step)
    child.kill()
    child.communicate()
    assert lab.state() == "starting"
    code, text = lab.run("up")
    assert code == 0, text
    assert "clearing it away" in text
    assert lab.run("down")[0] == 0
    assert_equal(before)


def test_down_after_a_killed_up(lab: OwnLab, before: footprint.Footprint) -> None:
    child = lab.start("up")
    _read_until(child, steps.COLD[3])
    child.kill()
    child.communicate()
    assert lab.run("down")[0] == 0
    assert_equal(before)


def test_second_lab_is_refused(lab: OwnLab, before: footprint.Footprint, tmp_path: Path) -> None:
    child = lab.start("up")
    _read_until(child, steps.COLD[0])
    second = OwnLab(tmp_path)
    code, text = second.run("up")
    assert code == 4, text
    assert f"another lab runs on this machine (state in {lab.env['K8SNET_LAB_STATE']})" in text
    code, text = lab.run("up")
    assert code == 4, text
    assert f"another `python -m lab` (pid {child.pid}) is changing the lab" in text
    child.terminate()
    child.communicate()
    assert_equal(before)


def test_broken_component_shows_its_log(lab: OwnLab, before: footprint.Footprint) -> None:
    child = lab.start("up")
    text = _read_until(child, steps.COLD[2])
    control = json.loads(lab.run("status", "--json")[1])["nodes"][0]["pid"]
    os.kill(control, signal.SIGKILL)
    text += child.communicate(timeout=120)[0]
    assert child.returncode == 1, text
    assert "kubeadm on k8snet-control failed" in text
    assert "the whole log: " in text
    log = Path(text.split("the whole log: ")[1].split("\n")[0])
    assert log.read_text()
    assert_equal(before)


def test_a_dead_node_is_noticed_and_up_heals(lab: OwnLab, before: footprint.Footprint) -> None:
    bring_up(lab)
    values = json.loads(lab.run("status", "--json")[1])
    os.kill(values["nodes"][1]["pid"], signal.SIGKILL)
    time.sleep(0.5)
    values = json.loads(lab.run("status", "--json")[1])
    assert (values["state"], values["missing"]) == ("broken", ["k8snet-worker1"])
    code, text = lab.run("up")
    assert (code, "clearing it away" in text, "kubeadm init" in text) == (0, True, False), text
    assert lab.state() == "running"


def test_interrupted_change_of_workers(lab: OwnLab, before: footprint.Footprint) -> None:
    bring_up(lab)
    for ending in (signal.SIGTERM, signal.SIGKILL):
        child = lab.start("up", "--workers", "3")
        time.sleep(2.5)
        child.send_signal(ending)
        child.communicate(timeout=60)
        code, text = lab.run("up")
        assert code == 0, text
        assert lab.run("kubectl", "get", "nodes", "-o", "name")[1].count("node/") == 3
        assert lab.run("exec", "k8snet-worker3", "--", "true")[0] == 4
    bring_up(lab, "--workers", "1")
    assert lab.run("kubectl", "get", "nodes", "-o", "name")[1].count("node/") == 2
    assert lab.run("down")[0] == 0
    assert_equal(before)


@pytest.mark.parametrize(
    ("options", "node", "shown", "absent"),
    [
        (["--proxy-mode", "nftables"], "nft list tables", "table ip kube-proxy", "KUBE-SERVICES"),
        (["--flannel-nftables"], "nft list tables; iptables-save", "table ip flannel-ipv4", "FLANNEL-POSTRTG"),
        (
            ["--flannel-backend", "host-gw"],
            "ip route; ip link; cat /run/flannel/subnet.env",
            "FLANNEL_MTU=1500",
            "flannel.1",
        ),
        (["--rp-filter", "1"], "cat /proc/sys/net/ipv4/conf/*/rp_filter | sort -u", "1", "0"),
    ],
)
def test_flavours(lab: OwnLab, options: list[str], node: str, shown: str, absent: str) -> None:
    back = ["--proxy-mode", "iptables", "--no-flannel-nftables", "--flannel-backend", "vxlan", "--rp-filter", "0"]
    bring_up(lab, *back)
    code, text = lab.run("up", *options)
    assert (code, "kubeadm" in text) == (0, False), text
    seen = lab.run("exec", "k8snet-worker1", "--", "sh", "-c", node)[1]
    assert shown in seen
    assert absent not in seen
    again = lab.run("up")[1]
    assert "nothing changed" in again, again


def test_changed_flavour_is_resumed(lab: OwnLab) -> None:
    bring_up(lab, "--rp-filter", "2", "--flannel-backend", "host-gw")
    assert lab.run("down", "--keep")[0] == 0
    code, text = lab.run("up")
    assert (code, "flannel host-gw" in text, "rp_filter 2" in text) == (0, True, True), text
    assert lab.run("exec", "k8snet-worker1", "--", "cat", "/proc/sys/net/ipv4/conf/eth0/rp_filter")[1] == "2\n"
