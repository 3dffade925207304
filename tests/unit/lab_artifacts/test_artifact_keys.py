"""A key changes exactly when something changes that the artifact is made of."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import fake_go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.artifacts import basetree, gotools, stores
from lab.artifacts.cache import Cache, Component, digest, digest_files
from lab.artifacts.command import ArtifactError, Runner

PARTS = st.lists(st.text() | st.binary(), max_size=6)


def as_bytes(parts: list[str | bytes]) -> list[bytes]:
    return [part.encode() if isinstance(part, str) else part for part in parts]


@settings(deadline=None)  # a loaded machine is no failure
@given(PARTS, PARTS)
def test_digests_are_equal_exactly_for_equal_inputs(one, other) -> None:
    assert (digest(one) == digest(other)) == (as_bytes(one) == as_bytes(other))


@settings(deadline=None)  # a loaded machine is no failure
@given(st.binary(min_size=1), st.integers(min_value=0))
def test_where_one_input_ends_and_the_next_begins_matters(data, cut) -> None:
    cut %= len(data)
    assert digest([data[:cut], data[cut:]]) != digest([data])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fake_go.install(tmp_path / "path", fake_go.GOOD_GO, monkeypatch)
    return fake_go.write_tools(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "stub/stub.go"])
def test_a_changed_source_changes_the_key_of_a_tool(folder: Path, name: str) -> None:
    before = fake_go.TOOL.key
    (folder / name).write_text((folder / name).read_text() + "// more\n")
    assert fake_go.TOOL.key != before


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ("netgo",)},
        {"stamps": {"x.Version": "VERSION"}},
        {"cgo": True},
        {"programs": {}},
        {"files": ("a.yml",)},
        {"static_c": {"a.c": "a"}},
    ],
)
def test_a_changed_recipe_changes_the_key_of_a_tool(folder: Path, change: dict[str, object]) -> None:
    assert dataclasses.replace(fake_go.TOOL, **change).key != fake_go.TOOL.key


def test_another_compiler_changes_the_key_of_a_tool(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fake_go.TOOL.key
    fake_go.install(tmp_path / "path", fake_go.GOOD_GO.replace("go1.99.0", "go1.99.1"), monkeypatch)
    gotools.go_version.cache_clear()
    assert fake_go.TOOL.key != before


def test_times_and_neighbours_do_not_change_the_key_of_a_tool(folder: Path) -> None:
    before = fake_go.TOOL.key
    os.utime(folder / "go.mod", (1, 1))
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "go.mod").write_text("module other\n")
    assert fake_go.TOOL.key == before


def test_without_go_the_message_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(ArtifactError, match=r"^Go is needed to build .*: install it and put `go` on PATH$"):
        _ = fake_go.TOOL.key


def test_a_module_that_is_not_pinned_is_named(folder: Path) -> None:
    with pytest.raises(ArtifactError, match=r"go\.mod does not pin example\.test/absent: add it to its require block$"):
        gotools.pinned(folder / "go.mod", "example.test/absent")


@pytest.mark.parametrize(
    "tool", [gotools.kubernetes(), gotools.ETCD, gotools.CNI_PLUGINS, gotools.FLANNEL_CNI, gotools.FLANNEL, gotools.COREDNS]
)
def test_the_pins_are_exact_versions_with_their_checksums(tool: gotools.GoTool) -> None:
    assert f"{tool.module} {tool.version} h1:" in (tool.folder / "go.sum").read_text()


def test_every_staging_module_has_the_version_of_kubernetes() -> None:
    tool = gotools.kubernetes()
    staging = [line.split() for line in (tool.folder / "go.mod").read_text().splitlines() if line.startswith("\tk8s.io/") and "=>" in line]
    assert len(staging) == 33
    assert {line[3] for line in staging} == {tool.version.replace("v1.", "v0.", 1)}


def test_the_linker_learns_the_version() -> None:
    flags = gotools.kubernetes().linker_flags
    major, minor, _ = gotools.kubernetes().version[1:].split(".")
    assert f"-X k8s.io/component-base/version.gitVersion={gotools.kubernetes().version} " in flags
    assert f"gitMajor={major} " in flags
    assert f"gitMinor={minor} " in flags


@pytest.mark.parametrize(("name", "value"), [("PACKAGES", ("only-one",)), ("SUITE", "trixie"), ("RECIPE", "another")])
def test_the_tree_depends_on_its_packages_and_suite(runner: Runner, monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    before = basetree.component(runner).key
    assert basetree.component(runner).key == before
    monkeypatch.setattr(basetree, name, value)
    assert basetree.component(runner).key != before


def part(key: str) -> Component:
    return Component("part", "part", key, lambda folder, step: None)


def test_a_store_depends_on_its_kind_its_programs_its_tree_and_our_recipe(
    tmp_path: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(kind: str = "worker", programs: str = "p", tree: str = "t") -> str:
        return stores.component(kind, Cache(tmp_path), part(programs), part(tree), runner).key

    variants = [key(), key(kind="control"), key(programs="q"), key(tree="u")]
    monkeypatch.setattr(stores, "_recipe", lambda: "another")
    assert len({*variants, key()}) == 5


def test_files_are_digested_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    before = digest_files([tmp_path / "a"], tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert digest_files([tmp_path / "b"], tmp_path) != before
