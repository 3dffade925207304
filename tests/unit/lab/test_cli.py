"""Bad input and a machine that does not fit: one message, the right exit code."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import addresses, artifacts, cgroup, cli, entry, kernel, logs, rootfs, state, status, teardown, up
from lab.artifacts import Artifacts
from lab.errors import LabError, UsageError
from lab.flavour import Flavour
from lab.process import Process
from lab.state import READY, Lab, Places

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("K8SNET_LAB_STATE", str(tmp_path / "run"))
    monkeypatch.setenv("K8SNET_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kernel, "check_user", lambda: None)
    monkeypatch.setattr(status, "members", set)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return state.places()


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    code = cli.main(argv)
    return code, capsys.readouterr().err.strip()


@pytest.mark.parametrize("argv", [["exec", "k8snet-control", "--", "true"], ["run", "--", "true"], ["kubectl", "get", "pods"]])
def test_not_up(where: Places, capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert said(capsys, *argv) == (4, "lab: the lab is not up: run `python -m lab up` first")


def test_unknown_node_and_no_command(where: Places, capsys: pytest.CaptureFixture[str]) -> None:
    state.save(where, Lab(phase=READY))
    assert said(capsys, "exec", "k8snet-worker9", "--", "true") == (
        4, "lab: the lab has no k8snet-worker9: see `python -m lab status`",
    )  # fmt: skip
    code, text = said(capsys, "run", "--")
    assert (code, text.split(":")[1]) == (4, " no command given")


@pytest.mark.parametrize("argv", [[], ["fly"], ["up", "--proxy-mode", "ipvs"]])
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "lab", *argv], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 4
    assert "usage: python -m lab" in done.stderr


def test_not_root(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert said(capsys, "up") == (4, "lab: the lab needs root (it makes namespaces and mounts): run it with sudo")


def test_not_linux(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    code, text = said(capsys, "up")
    assert (code, "the lab needs Linux (network namespaces); this is darwin" in text) == (4, True)


@pytest.mark.parametrize(("device", "advice"), [("veth", "modprobe veth"), ("bridge", "modprobe bridge"), ("vxlan", "modprobe vxlan")])
def test_missing_device_is_named(monkeypatch: pytest.MonkeyPatch, device: str, advice: str) -> None:
    monkeypatch.setattr(kernel, "_inside", lambda argv: int(device in argv))
    with pytest.raises(UsageError, match=f"{device} devices are missing in this kernel .*{advice}"):
        kernel.check_devices()


def test_missing_bridge_netfilter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_inside", lambda argv: int(argv[0] == "test"))
    with pytest.raises(UsageError, match="modprobe br_netfilter"):
        kernel.check_devices()


def test_missing_tools_are_named(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "missing_tools", lambda: [("ip", "iproute2")])
    monkeypatch.setattr(artifacts, "step_names", lambda cache, kubernetes: [kubernetes])
    monkeypatch.setattr(artifacts, "missing_on_host", lambda: [("debootstrap", "debootstrap")])
    with pytest.raises(UsageError) as caught:
        up.provide_tools(where, install=False)
    assert str(caught.value) == (
        "this machine lacks ip, debootstrap: run `python -m lab up --install`, or `apt-get install debootstrap iproute2`"
    )


def test_install_installs_and_looks_again(where: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "apt-get").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(artifacts, "step_names", lambda cache, kubernetes: [])
    missing = iter([[("ip", "iproute2")], []])
    monkeypatch.setattr(kernel, "missing_tools", lambda: next(missing))
    up.provide_tools(where, install=True)
    assert (tmp_path / "calls").read_text().splitlines()[-1] == "-qq install -y --no-install-recommends iproute2"


def test_full_disk_before_and_during(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "LEAST_SPACE", 1 << 60)
    with pytest.raises(UsageError, match=r"MiB free, the nodes need \d+: free some, or set K8SNET_LAB_CACHE"):
        up.check_space(where)
    full = OSError(errno.ENOSPC, "No space left on device", "/x/y")
    assert up.explain(full) == "the disk is full (/x/y): free some space, then `python -m lab up` again"


def test_another_lab_is_named(where: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroup, "members", lambda below="": {os.getpid()})
    monkeypatch.setattr(teardown, "_state_of", lambda pid: "/elsewhere")
    with pytest.raises(UsageError, match="K8SNET_LAB_STATE=/elsewhere python -m lab down"):
        teardown.refuse_foreign(where)


EXTERNAL = "--k8snet-external=tcp://198.51.100.10:80 --k8snet-external=dns://198.51.100.53/www.example.test"


def test_runner_environment() -> None:
    where, lab = Places(Path("/r"), Path("/c")), Lab(probe_image="probe:1")
    plain = entry.runner_environment(where, lab, {"HOME": "/h"})
    expected = f"--k8snet-image=probe:1 {EXTERNAL}"
    assert plain == {"HOME": "/h", "KUBECONFIG": "/r/kubeconfig", "PYTEST_ADDOPTS": expected}
    added = entry.runner_environment(where, lab, {"PYTEST_ADDOPTS": "-q -k 'a b'"})
    assert added["PYTEST_ADDOPTS"] == f"{expected} -q -k 'a b'"


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ("--k8snet-image mine:2", EXTERNAL),
        ("-q --k8snet-image=mine:2", EXTERNAL),
        ("--k8snet-external=tcp://192.0.2.1:9", "--k8snet-image=probe:1"),
        ("--k8snet-external tcp://192.0.2.1:9", "--k8snet-image=probe:1"),
    ],
)
def test_options_that_the_caller_names_win(own: str, kept: str) -> None:
    where, lab = Places(Path("/r"), Path("/c")), Lab(probe_image="probe:1")
    assert entry.runner_environment(where, lab, {"PYTEST_ADDOPTS": own})["PYTEST_ADDOPTS"] == f"{kept} {own}"


def test_status_of_each_state(where: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.describe(where, None)["state"] == "stopped"
    state.write_atomically(where.disks / rootfs.COMPLETE, '{"flavour": {"workers": 2}}')
    assert status.describe(where, None)["state"] == "kept"
    dead = Lab(phase=READY)
    dead.add(Process("router", 1 << 30, 1))
    assert status.describe(where, Lab())["state"] == "starting"
    values = status.describe(where, dead)
    assert (values["state"], values["missing"]) == ("broken", ["router"])
    assert "missing     router" in status.as_text(values)
    assert cli.main(["status", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["context"], shown["kubeconfig"]) == ("k8snet-lab", str(where.kubeconfig))


def _made(folder: Path) -> Artifacts:
    return Artifacts(folder / "bin", folder / "base", {"control": folder / "c", "worker": folder / "w"}, {}, {"pause": "3.10.2"}, "p")


def test_only_whole_disks_of_the_same_make_are_resumed(where: Places, capsys: pytest.CaptureFixture[str]) -> None:
    made, note = _made(where.cache), {"origin": rootfs.origin(_made(where.cache)), "flavour": {"workers": 1}}
    assert up.kept_flavour(where, made) is None
    state.write_atomically(where.disks / rootfs.COMPLETE, json.dumps(note))
    assert up.kept_flavour(where, made) == Flavour(workers=1)
    assert up.kept_flavour(where, _made(where.cache / "other")) is None
    assert "starting anew" in capsys.readouterr().out
    (where.disks / rootfs.COMPLETE).write_text("{")
    assert up.kept_flavour(where, made) is None


def test_new_disk_shares_images_but_not_databases(where: Places) -> None:
    made = _made(where.cache)
    for name in ("w/blobs/one", "w/meta.db", "bin/cni/bridge", "bin/cni/flannel"):
        (where.cache / name).parent.mkdir(parents=True, exist_ok=True)
        (where.cache / name).write_text(name)
    disk = where.disk("k8snet-worker1")
    rootfs.create(disk, addresses.worker(1), made, {"/etc/extra": "text"})
    (disk / "containerd/meta.db").write_text("changed")
    assert (where.cache / "w/meta.db").read_text() == "w/meta.db"
    assert (disk / "containerd/blobs/one").stat().st_nlink == 2
    assert [path.name for path in (disk / "upper/opt/cni/bin").iterdir()] == ["bridge"]
    assert (disk / "upper/etc/hostname").read_text() == "k8snet-worker1\n"
    assert (disk / "upper/etc/extra").read_text() == "text"
    assert "registry.k8s.io/pause:3.10.2" in (disk / "upper/etc/containerd/config.toml").read_text()


def test_failure_keeps_the_logs_and_tells_where(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teardown, "processes", lambda *_: None)
    log = where.disk("k8snet-control") / "log/kubelet.log"
    log.parent.mkdir(parents=True)
    log.write_text("failed to start")
    error = up.after_failure(where, Lab(), LabError(f"not ready\n  the whole log: {log}"), keep_disks=False)
    kept = where.cache / "failed/k8snet-control/kubelet.log"
    assert str(error) == f"not ready\n  the whole log: {kept}"
    assert kept.read_text() == "failed to start"
    assert not where.disks.exists()


def test_logs(where: Places) -> None:
    pod = where.disk("k8snet-worker1") / "log/pods/kube-system_coredns-1_uid/coredns/0.log"
    kubelet = where.disk("k8snet-control") / "log/kubelet.log"
    for path in (pod, kubelet):
        path.parent.mkdir(parents=True)
        path.write_text(f"one\ntwo of {path.stem}\n")
    assert list(logs.files(where)) == ["k8snet-control/kubelet", "k8snet-worker1/coredns-1/coredns/0"]
    assert logs.text(where, "coredns", 1) == f"== k8snet-worker1/coredns-1/coredns/0 ({pod})\n  two of 0"
    assert "two of kubelet" in logs.text(where, "k8snet-control", 5)
    with pytest.raises(UsageError, match="no log of nothing; there are: coredns-1, k8snet-control, k8snet-worker1, kubelet"):
        logs.text(where, "nothing", 5)


def test_options_that_cannot_be_read() -> None:
    with pytest.raises(UsageError, match=r"PYTEST_ADDOPTS is no list of options \(No closing quotation\)"):
        entry.runner_environment(Places(Path("/r"), Path("/c")), Lab(), {"PYTEST_ADDOPTS": "-k 'a"})
