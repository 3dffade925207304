"""What the host's apt and dpkg tell, and what the host lacks."""

from __future__ import annotations

from pathlib import Path

import fake_go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.artifacts import basetree
from lab.artifacts.host import FILES, TOOLS, missing_on_host

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789.+-", min_size=1, max_size=12)


def test_the_mirror_is_the_one_of_apt_for_the_suite_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "\n".join(
        ["bookworm-security Debian http://security.test/x", "bookworm Other http://other.test", "bookworm Debian http://mirror.test/debian"]
    )
    fake_go.install(tmp_path / "path", f"echo '{listed}'", monkeypatch, name="apt-get")
    assert basetree.mirror() == ["http://mirror.test/debian"]


@pytest.mark.parametrize("script", ["exit 1", "echo 'trixie Debian http://mirror.test/debian'"])
def test_without_such_a_mirror_debootstrap_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    fake_go.install(tmp_path / "path", script, monkeypatch, name="apt-get")
    assert basetree.mirror() == []


@settings(deadline=None)  # a loaded machine is no failure
@given(st.dictionaries(WORDS, WORDS))
def test_every_package_of_the_status_file_is_listed_with_its_version(packages) -> None:
    paragraphs = [
        f"Package: {name}\nStatus: install ok\nVersion: {version}\nDescription: x\n Version: no\n" for name, version in packages.items()
    ]
    lines = basetree.package_versions("\n".join(paragraphs)).splitlines()
    assert dict(line.split(" ") for line in lines) == packages
    assert len(lines) == len(packages)


def test_a_bare_host_lacks_everything_by_name_and_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_on_host(tmp_path) == [*TOOLS, *FILES]
    assert ("go", "golang-go") in missing_on_host(tmp_path)


def test_what_is_there_is_not_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool, _ in TOOLS:
        fake_go.install(tmp_path / "path", "", monkeypatch, name=tool)
    for pattern, _ in FILES:
        file = tmp_path / pattern.lstrip("/").replace("*", "x")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert missing_on_host(tmp_path) == []
