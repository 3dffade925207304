"""The order of the components, and what happens where one of two lanes fails."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from lab import artifacts
from lab.artifacts import basetree, images, programs
from lab.artifacts.command import ArtifactError
from lab.artifacts.recipe import Recipe
from lab.progress import Progress

FROM_KUBEADM = ["registry.test/kube-apiserver:v1", "registry.test/etcd:3", "registry.test/coredns/coredns:v2", "registry.test/pause:3.10"]


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.artifacts.gotools.go_version", lambda: "go1.99.0")


@pytest.fixture
def recipe(tmp_path: Path, go: None) -> Recipe:
    return Recipe(tmp_path)


def fill(recipe: Recipe) -> None:
    for component in [recipe.base, *recipe.compiled, recipe.collected, *recipe.seeds.values()]:
        recipe.cache.folder(component).mkdir(parents=True)


def test_an_empty_cache_needs_every_step(recipe: Recipe, tmp_path: Path) -> None:
    assert artifacts.step_names(tmp_path) == [
        f"debian tree {basetree.SUITE}",
        *(f"build {tool.name} {tool.version}" for tool in recipe.tools),
        "collect programs",
        "seed image store control",
        "seed image store worker",
    ]


def test_a_full_cache_needs_none(recipe: Recipe, tmp_path: Path) -> None:
    fill(recipe)
    assert artifacts.step_names(tmp_path) == []


def test_collected_programs_are_not_compiled_again(recipe: Recipe, tmp_path: Path) -> None:
    fill(recipe)
    for component in [*recipe.compiled, recipe.seeds["worker"]]:
        recipe.cache.folder(component).rmdir()
    assert artifacts.step_names(tmp_path) == ["seed image store worker"]


def test_a_full_cache_is_described(recipe: Recipe, tmp_path: Path) -> None:
    fill(recipe)
    (recipe.cache.folder(recipe.base) / basetree.VERSIONS).write_text("containerd 1.6.20\nrunc 1.1.5\n")
    (recipe.cache.folder(recipe.collected) / programs.IMAGES).write_text("\n".join(FROM_KUBEADM))
    out = io.StringIO()
    found = artifacts.ensure(tmp_path, Progress(out))
    assert out.getvalue() == ""
    assert found.versions["containerd"] == "1.6.20"
    assert found.versions["pause"] == "3.10"
    assert found.versions["kubernetes"] == recipe.tools[0].version
    assert set(found.versions) == {"kubernetes", "etcd", "flannel", "coredns", "cni", "containerd", "runc", "pause"}
    assert found.stores.keys() == {"control", "worker"}


def lane_failure(recipe: Recipe, beside: str, main: str) -> str:
    """Run two shell scripts, one per lane, and return the error."""
    started = time.monotonic()

    def run(script: str, what: str) -> None:
        recipe.runner.run(["sh", "-c", script], what=what, log="lane.log")

    with pytest.raises(ArtifactError) as failure, recipe._lane(lambda: run(beside, "beside")):
        run(main, "main")
    assert time.monotonic() - started < 10
    return str(failure.value).splitlines()[0]


def test_the_first_failure_ends_the_other_lane_and_is_the_one_told(recipe: Recipe) -> None:
    assert lane_failure(recipe, "sleep 60", "sleep 0.2; exit 7") == "main failed (exit code 7); the last lines of its log:"


def test_a_failure_beside_ends_the_main_lane(recipe: Recipe) -> None:
    assert lane_failure(recipe, "sleep 0.2; exit 8", "sleep 60") == "beside failed (exit code 8); the last lines of its log:"


def test_ctrl_c_ends_the_other_lane(recipe: Recipe) -> None:
    with pytest.raises(KeyboardInterrupt), recipe._lane(lambda: recipe.runner.run(["sleep", "60"], what="x", log="x.log") and None):
        raise KeyboardInterrupt


def test_a_worker_holds_no_control_plane() -> None:
    assert images.references(FROM_KUBEADM, control=True) == [*FROM_KUBEADM, images.PROBE_IMAGE]
    assert images.references(FROM_KUBEADM, control=False) == [*FROM_KUBEADM[2:], images.PROBE_IMAGE]


def test_an_image_that_nobody_makes_is_named() -> None:
    with pytest.raises(
        ArtifactError, match=r"^the cluster asks for the image registry\.test/new:v1, which the lab does not make: add it to "
    ):
        images.references(["registry.test/new:v1"], control=False)


@pytest.mark.parametrize(
    ("reference", "name"), [("registry.test:5000/a/coredns:v1", "coredns"), ("pause", "pause"), ("x/etcd:3.6.8-0", "etcd")]
)
def test_an_image_is_known_by_the_end_of_its_name(reference: str, name: str) -> None:
    assert images.content_name(reference) == name
