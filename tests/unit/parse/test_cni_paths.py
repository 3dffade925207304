"""containerd's config.toml and listings of directories: what cannot be understood is an error, never an empty answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.parse.containerd import Paths, parse
from pytest_k8snet.parse.errors import ParseError
from pytest_k8snet.parse.listing import modes

NAMES = {1: "cri", 2: "'io.containerd.grpc.v1.cri'", 3: "'io.containerd.cri.v1.runtime'", 4: "'io.containerd.cri.v1.runtime'"}
FOLDERS = st.from_regex(r"\A(/[a-z0-9.-]{1,9}){1,4}\Z")


@given(st.sampled_from(sorted(NAMES)), FOLDERS, FOLDERS)
def test_every_version_of_the_file(version, config, programs):
    text = f"version = {version}\n[plugins.{NAMES[version]}.cni]\nconf_dir = '{config}'\nbin_dir = '{programs}'\n"
    assert parse(text) == Paths(config, (programs,))


def test_a_section_of_another_version_is_not_read_by_containerd():
    assert parse("version = 2\n[plugins.cri.cni]\nconf_dir = '/x'\n").silent


@pytest.mark.parametrize("text", ["", "version = 2\n", "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = ''\n"])
def test_a_file_that_says_nothing(text):
    assert parse(text) == Paths()


def test_several_directories_and_imports():
    text = "version = 3\nimports = ['/a/*.toml']\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/b', '/c']\n"
    assert parse(text) == Paths(None, ("/b", "/c"), ("/a/*.toml",))


@pytest.mark.parametrize("text", ["bin_dirs = [\n[plugins]\n", "version = 'x'\n", "plugins = 3\n", "imports = 3\n", "= 1"])
def test_no_configuration_of_containerd(text):
    with pytest.raises(ParseError, match=r"containerd's config\.toml"):
        parse(text)


@given(st.dictionaries(st.from_regex(r"\A[a-z0-9._-][a-z0-9. _-]{0,20}\Z"), st.sampled_from(["-rwxr-xr-x", "drwxr-xr-x", "??????????"])))
def test_every_entry_of_a_listing(entries):
    assert modes("".join(f"{mode} {name}\n" for name, mode in entries.items())) == entries


@pytest.mark.parametrize("text", ["total 12\n", "-rwxr-xr-x\n", "x y\n"])
def test_no_listing(text):
    with pytest.raises(ParseError, match="listing"):
        modes(text)
