"""Which cgroup hierarchies the lab uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import cgroup
from lab.cgroup import Hierarchy
from lab.errors import UsageError

V1 = """22 20 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
23 22 0:21 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
24 22 0:22 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
25 22 0:23 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
26 22 0:24 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2 = "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"


def test_version_1_keeps_mounted_together_what_is() -> None:
    found = cgroup.hierarchies(V1)
    assert [one.option for one in found] == ["cpu,cpuacct", "memory", "name=systemd"]
    assert {one.version for one in found} == {1}


def test_version_2() -> None:
    assert cgroup.hierarchies(V2) == [Hierarchy(Path("/sys/fs/cgroup"), "", 2)]


def test_only_an_empty_version_1_hierarchy_means_version_2() -> None:
    systemd = V1.splitlines()[3]
    assert cgroup.hierarchies(f"{systemd}\n{V2}")[0].version == 2


@given(st.lists(st.sampled_from([*V1.splitlines(), *V2.splitlines()]), max_size=8))
def test_never_both_versions(lines: list[str]) -> None:
    assert len({one.version for one in cgroup.hierarchies("\n".join(lines))}) <= 1


def _unified(monkeypatch: pytest.MonkeyPatch, path: Path, enabled: str) -> None:
    (path / "cgroup.subtree_control").write_text(enabled)
    monkeypatch.setattr(cgroup, "hierarchies", lambda: [Hierarchy(path, "", 2)])


def test_controller_not_enabled_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _unified(monkeypatch, tmp_path, "cpu memory pids")
    with pytest.raises(UsageError, match=r"cgroup controller cpuset is not enabled for children: echo \+cpuset > /"):
        cgroup.check()


def test_all_enabled_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _unified(monkeypatch, tmp_path, "cpuset cpu io memory pids")
    cgroup.check()


def test_missing_version_1_controller_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cgroup.hierarchies(V1)
    monkeypatch.setattr(cgroup, "hierarchies", lambda: found)
    with pytest.raises(UsageError, match="cgroup controller cpuset is missing"):
        cgroup.check()


def test_no_hierarchy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "hierarchies", list)
    with pytest.raises(UsageError, match="no cgroup hierarchy is mounted"):
        cgroup.check()


def test_version_2_node_has_a_leaf_for_its_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _unified(monkeypatch, tmp_path, "cpuset cpu io memory pids")
    cgroup.create("k8snet-worker1")
    folder = tmp_path / "k8snet-lab/k8snet-worker1"
    assert (folder / "init").is_dir()
    assert (tmp_path / "k8snet-lab/cgroup.subtree_control").read_text() == "+cpuset +cpu +io +memory +pids"
    assert cgroup.entrances("k8snet-worker1") == [folder / "cgroup.procs"]
    assert cgroup.later_entrances("k8snet-worker1") == [folder / "init/cgroup.procs"]
    cgroup.settle("k8snet-worker1", lambda: 4711)
    assert (folder / "init/cgroup.procs").read_text() == "4711"


def test_members_and_removal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroup, "hierarchies", lambda: [Hierarchy(tmp_path, "memory", 1)])
    (tmp_path / "foreign").mkdir()
    cgroup.create("hosts")
    (tmp_path / "k8snet-lab/hosts/cgroup.procs").write_text("11\n12\n")
    assert cgroup.members() == cgroup.members("hosts") == {11, 12}
    assert cgroup.members("k8snet-control") == set()
    assert cgroup.remove() != [], "a folder with something in it stays, and is told"
    (tmp_path / "k8snet-lab/hosts/cgroup.procs").unlink()
    assert cgroup.remove() == []
    assert [path.name for path in tmp_path.iterdir()] == ["foreign"]
