"""Which images each kind of node holds, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.artifacts import rootfs
from lab.artifacts.archive import Entry, Image, Layer, file_entry, write_layer
from lab.artifacts.command import ArtifactError

PROBE_IMAGE = "k8snet.invalid/probe:0.1"
CONTROL_ONLY = frozenset({"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"})
CAP_NET_BIND_SERVICE = 10
ACCOUNTS = b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"


@dataclass(frozen=True, slots=True)
class Content:
    """What an image holds: our programs at their paths, above the tool layer (`tools`) or above an almost empty one."""

    programs: tuple[tuple[str, str], ...] = ()  # path in the image, name in the folder of programs
    tools: bool = False
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    capabilities: tuple[int, ...] = ()


def _on_path(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"/usr/local/bin/{name}", name) for name in names)


CONTENTS = {
    "kube-apiserver": Content(_on_path("kube-apiserver")),
    "kube-controller-manager": Content(_on_path("kube-controller-manager")),
    "kube-scheduler": Content(_on_path("kube-scheduler")),
    "etcd": Content(_on_path("etcd", "etcdctl")),
    "kube-proxy": Content(_on_path("kube-proxy"), tools=True),
    "pause": Content((("/pause", "pause"),), entrypoint=("/pause",), user="65535:65535"),
    # as upstream: no root, and the one capability that lets it serve port 53
    "coredns": Content((("/coredns", "coredns"),), entrypoint=("/coredns",), user="65532:65532", capabilities=(CAP_NET_BIND_SERVICE,)),
    "flannel": Content(
        (("/opt/bin/flanneld", "flanneld"), ("/opt/bin/install-conf", "install-conf")), tools=True, entrypoint=("/opt/bin/flanneld",)
    ),
    "flannel-cni-plugin": Content((("/flannel", "cni/flannel"),), tools=True),
    "probe": Content(tools=True, command=("/bin/sh",)),
}


def content_name(reference: str) -> str:
    """The part of a reference that says what the image is: example.test/coredns/coredns:v1 -> coredns."""
    return reference.rpartition("/")[2].partition(":")[0]


def references(listed: Iterable[str], *, control: bool) -> list[str]:
    """The images of a node, from all that the cluster asks for; ArtifactError for one that nobody here can make."""
    asked = [*listed, PROBE_IMAGE]
    for reference in asked:
        if content_name(reference) not in CONTENTS:
            raise ArtifactError(
                f"the cluster asks for the image {reference}, which the lab does not make: add it to lab/artifacts/images.py"
            )
    return [reference for reference in asked if control or content_name(reference) not in CONTROL_ONLY]


def make(wanted: Iterable[str], programs: Path, tree: Path, folder: Path, libraries: Callable[[list[str]], str]) -> list[Image]:
    """Write the layers of the wanted images into a folder.

    libraries: runs ldd inside the tree for the given paths and returns what it printed.
    """
    bases = {True: write_layer(rootfs.entries(tree, libraries), folder), False: write_layer(_bare(), folder)}
    return [_image(reference, CONTENTS[content_name(reference)], bases, programs, folder) for reference in wanted]


def _bare() -> list[Entry]:
    return [Entry("/tmp", mode=0o1777), Entry("/etc/passwd", data=ACCOUNTS, mode=0o644)]


def _image(reference: str, content: Content, bases: dict[bool, Layer], programs: Path, folder: Path) -> Image:
    own = [file_entry(path, programs / name, content.capabilities) for path, name in content.programs]
    layers = [bases[content.tools], *([write_layer(own, folder)] if own else [])]
    return Image((reference,), tuple(layers), content.entrypoint, content.command, content.user)
