"""What the lab remembers, and who may change it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import state
from lab.errors import UsageError
from lab.flavour import Flavour
from lab.process import Process
from lab.state import Lab, Places


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return Places(tmp_path / "run", tmp_path / "cache")


def test_what_is_saved_is_loaded(where: Places) -> None:
    lab = Lab(flavour=Flavour(workers=3), versions={"etcd": "v3"}, bin="/b")
    lab.add(Process("router", 12, 34))
    state.save(where, lab)
    assert state.load(where) == lab
    assert [path.name for path in where.run.iterdir()] == ["state.json"]


def test_no_state_is_no_lab(where: Places) -> None:
    assert state.load(where) is None


@given(text=st.one_of(st.text(), st.sampled_from(["[]", "{}", '{"processes": 1}', '{"processes": {}, "flavour": {}, "x": 1}'])))
def test_an_unreadable_rest_is_no_lab(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / "state.json").write_text(text)
    assert state.load(Places(folder, folder)) is None


def test_unknown_process_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="the lab has no k8snet-worker7: see"):
        Lab().process("k8snet-worker7")


@pytest.mark.parametrize("character", ":, \\")
def test_folders_that_overlayfs_cannot_name(monkeypatch: pytest.MonkeyPatch, character: str) -> None:
    monkeypatch.setenv("K8SNET_LAB_CACHE", f"/tmp/a{character}b")
    with pytest.raises(UsageError, match="set K8SNET_LAB_CACHE to another folder"):
        state.places()


def test_folders_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8SNET_LAB_STATE", "/tmp/one")
    monkeypatch.delenv("K8SNET_LAB_CACHE", raising=False)
    assert state.places() == Places(Path("/tmp/one"), Path.home() / ".cache/k8snet-lab")


HOLD = "from lab import state; from lab.state import Places; from pathlib import Path; import sys, time\n" \
    "with state.lock(Places(Path(sys.argv[1]), Path())): print('held', flush=True); time.sleep(60)"  # fmt: skip


def test_second_change_at_once_is_refused(where: Places) -> None:
    root = Path(__file__).resolve().parents[3]
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(where.run)], cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=rf"another `python -m lab` \(pid {holder.pid}\)"), state.lock(where):
            pytest.fail("the lock was given twice")
    finally:
        holder.kill()
        holder.communicate()
    with state.lock(where):
        assert (where.run / "lock").read_text() == str(os.getpid())
