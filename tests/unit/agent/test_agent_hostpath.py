"""Files of the node are read below its root, wherever their links point."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_k8snet.agent.facts import files, listing
from pytest_k8snet.agent.hostpath import matches, resolve
from pytest_k8snet.plan.readers import CNI_LINES


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "etc/cni/net.d").mkdir(parents=True)
    (tmp_path / "run/systemd").mkdir(parents=True)
    (tmp_path / "run/systemd/resolv.conf").write_text("nameserver 9.9.9.9\n")
    (tmp_path / "etc/resolv.conf").symlink_to("/run/systemd/resolv.conf")
    (tmp_path / "etc/relative").symlink_to("../run/./systemd")
    (tmp_path / "etc/above").symlink_to("/../../../../etc/resolv.conf")
    (tmp_path / "etc/loop").symlink_to("loop")
    for name in ("10-b.conflist", "00-a.conf", ".hidden"):
        (tmp_path / "etc/cni/net.d" / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("path", ["etc/resolv.conf", "etc/relative/resolv.conf", "etc/above", "etc/../etc/resolv.conf"])
def test_links_stay_below_the_root(host: Path, path: str):
    assert resolve(f"{host}/{path}", str(host)) == f"{host}/run/systemd/resolv.conf"


def test_loops_end(host: Path):
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        resolve(f"{host}/etc/loop", str(host))


def test_patterns_are_sorted_and_leave_hidden_files_out(host: Path):
    folder = f"{host}/etc/cni/net.d"
    assert matches(f"{folder}/*", str(host)) == [f"{folder}/00-a.conf", f"{folder}/10-b.conflist"]
    assert matches(f"{host}/*/cni/net.d/*.conf", str(host)) == [f"{folder}/00-a.conf"]
    assert matches(f"{host}/none/*", str(host)) == []


def test_paths_elsewhere_are_left_to_the_system(host: Path):
    assert resolve("/proc/self/net/dev") == "/proc/self/net/dev"
    [fact] = files("links", "/proc/self/net/dev", 100_000)
    assert (fact.ok, "lo:" in fact.text) == (True, True)


def test_facts_of_files(host: Path):
    (host / "empty").write_text("")
    (host / "long").write_text("x" * 11)
    facts = [files("n", f"{host}/{name}", 10)[0] for name in ("empty", "long", "none", "etc", "none/*")]
    assert [(fact.ok, fact.text, fact.error) for fact in facts] == [
        (True, "", ""), (False, "", "longer than 10 bytes"), (False, "", "no such file"), (False, "", "is a directory"),
        (False, "", "no such file"),
    ]  # fmt: skip
    assert [fact.source for fact in files("n", f"{host}/etc/cni/net.d/*", 100)] == matches(f"{host}/etc/cni/net.d/*")


def test_more_files_than_are_read_are_told(host: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pytest_k8snet.agent.facts.GLOB_LIMIT", 2)
    pattern = f"{host}/etc/cni/net.d/*"
    assert [fact.ok for fact in files("n", pattern, 100)] == [True, True]
    (host / "etc/cni/net.d/20-c.conf").write_text("c")
    facts = files("n", pattern, 100)
    assert [(fact.source.rpartition("/")[2], fact.ok, fact.error) for fact in facts] == [
        ("00-a.conf", True, ""), ("10-b.conflist", True, ""), ("*", False, "3 files, of which only the first 2 were read"),
    ]  # fmt: skip


def test_hundreds_of_files_are_all_read(host: Path):
    for number in range(300):
        (host / f"etc/{number}.device").write_text("1")
    facts = files("n", f"{host}/etc/*.device", 100)
    assert (len(facts), all(fact.ok for fact in facts)) == (300, True)


def test_a_listing_follows_links_and_shows_hidden_entries(host: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pytest_k8snet.agent.hostpath.resolve", lambda path: resolve(path, str(host)))
    folder = host / "etc/cni/net.d"
    (folder / "00-a.conf").chmod(0o755)
    (folder / "link").symlink_to("/etc/cni/net.d/00-a.conf")
    (folder / "lost").symlink_to("/nowhere")
    (folder / ".hidden").chmod(0o644)
    (folder / "10-b.conflist").chmod(0o600)
    [fact] = listing("it", str(folder))
    assert (fact.ok, fact.source) == (True, str(folder))
    assert fact.text.splitlines() == [
        "-rw-r--r-- .hidden", "-rwxr-xr-x 00-a.conf", "-rw------- 10-b.conflist", "-rwxr-xr-x link", "?????????? lost",
    ]  # fmt: skip


def test_a_directory_that_cannot_be_listed(host: Path):
    assert [(fact.ok, fact.error) for fact in listing("it", f"{host}/none")] == [(False, "no such file")]
    assert [(fact.ok, fact.error) for fact in listing("it", f"{host}/run/systemd/resolv.conf")] == [(False, "not a directory")]


def test_only_lines_that_are_asked_for_are_read(tmp_path: Path):
    (tmp_path / "config.toml").write_text("version = 2\n  [plugins]\n    password = 'secret'\n    bin_dir = '/opt'\n")
    [fact] = files("it", str(tmp_path / "config.toml"), 1000, CNI_LINES)
    assert fact.text == "version = 2\n  [plugins]\n    bin_dir = '/opt'\n"
