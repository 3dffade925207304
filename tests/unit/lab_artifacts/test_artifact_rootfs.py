"""Which files of the Debian tree come into the tool layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.artifacts import rootfs

LDD = """\
/usr/sbin/xtables-nft-multi:
\tlinux-vdso.so.1 (0x00007fff)
\tlibxtables.so.12 => /lib/x86_64-linux-gnu/libxtables.so.12 (0x00007f00)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f01)
/usr/bin/static:
\tnot a dynamic executable
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A merged-usr tree with iptables behind Debian's alternatives."""
    for folder in ("usr/bin", "usr/sbin", "usr/lib/x86_64-linux-gnu/xtables", "usr/lib64", "usr/lib/python3.11/test", "etc/alternatives"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    (tmp_path / "usr/sbin/iptables").symlink_to("/etc/alternatives/iptables")
    (tmp_path / "etc/alternatives/iptables").symlink_to("/usr/sbin/iptables-nft")
    (tmp_path / "usr/sbin/iptables-nft").symlink_to("xtables-nft-multi")
    (tmp_path / "usr/sbin/xtables-nft-multi").write_bytes(b"\x7fELF")
    (tmp_path / "usr/lib/x86_64-linux-gnu/libxtables.so.12").symlink_to("libxtables.so.12.7")
    (tmp_path / "usr/lib/x86_64-linux-gnu/libxtables.so.12.7").write_bytes(b"\x7fELF")
    (tmp_path / "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2").write_bytes(b"\x7fELF")
    (tmp_path / "usr/lib64/ld-linux-x86-64.so.2").symlink_to("../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    (tmp_path / "usr/lib/x86_64-linux-gnu/xtables/libxt_mark.so").write_bytes(b"\x7fELF")
    (tmp_path / "usr/lib/python3.11/os.py").write_text("")
    (tmp_path / "usr/lib/python3.11/test/test_os.py").write_text("")
    (tmp_path / "usr/bin/vim").write_text("")
    return tmp_path


def test_programs_come_with_their_links_and_libraries(tree: Path) -> None:
    asked: list[str] = []

    def libraries(paths: list[str]) -> str:
        asked.extend(paths)
        return LDD

    entries = {entry.path: entry for entry in rootfs.entries(tree, libraries)}
    assert asked == ["/usr/lib/x86_64-linux-gnu/xtables/libxt_mark.so", "/usr/sbin/xtables-nft-multi"]
    links = {path: entry.link for path, entry in entries.items() if entry.link}
    # every target absolute: a relative one breaks where its folder is itself a link
    assert links == {
        "/bin": "usr/bin",
        "/sbin": "usr/sbin",
        "/lib": "usr/lib",
        "/lib64": "usr/lib64",
        "/usr/sbin/iptables": "/etc/alternatives/iptables",
        "/etc/alternatives/iptables": "/usr/sbin/iptables-nft",
        "/usr/sbin/iptables-nft": "/usr/sbin/xtables-nft-multi",
        "/usr/lib/x86_64-linux-gnu/libxtables.so.12": "/usr/lib/x86_64-linux-gnu/libxtables.so.12.7",
        "/usr/lib64/ld-linux-x86-64.so.2": "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    }
    files = {path for path, entry in entries.items() if entry.source}
    assert files == {
        "/usr/sbin/xtables-nft-multi",
        "/usr/lib/x86_64-linux-gnu/libxtables.so.12.7",
        "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "/usr/lib/x86_64-linux-gnu/xtables/libxt_mark.so",
        "/usr/lib/python3.11/os.py",
    }
    assert entries["/tmp"].mode == 0o1777


def test_a_chain_of_links_starts_behind_linked_folders(tree: Path) -> None:
    assert rootfs.link_chain(tree, "/lib/x86_64-linux-gnu/libxtables.so.12") == [
        "/usr/lib/x86_64-linux-gnu/libxtables.so.12",
        "/usr/lib/x86_64-linux-gnu/libxtables.so.12.7",
    ]


def test_a_loop_and_a_missing_target_end(tree: Path) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    (tree / "c").symlink_to("/nowhere")
    assert rootfs.link_chain(tree, "/a") == ["/a", "/b"]
    assert rootfs.link_chain(tree, "/c") == ["/c"]
    assert rootfs.link_chain(tree, "/absent") == []


def test_the_coreutils_of_the_package_list_are_in(tree: Path) -> None:
    listed = tree / rootfs.COREUTILS
    listed.parent.mkdir(parents=True)
    listed.write_text("/.\n/bin\n/bin/cat\n/usr/share/doc/coreutils\n")
    (tree / "usr/bin/cat").write_bytes(b"")
    assert "/usr/bin/cat" in {entry.path for entry in rootfs.entries(tree, lambda paths: "")}
