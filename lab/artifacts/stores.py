"""Seeded image stores: the /var/lib/containerd of a node that has already imported its images."""

from __future__ import annotations

import shlex
from pathlib import Path

from lab.artifacts import images, programs
from lab.artifacts.archive import write_archive
from lab.artifacts.cache import Cache, Component, digest, digest_files, remove_tree
from lab.artifacts.command import ArtifactError, Runner
from lab.progress import Step

KINDS = ("control", "worker")
ARCHIVE = "images.tar"
# The store's folder, the archive's and a read-only view of the tree are put together in a mount namespace that ends with the
# script; its pid 1 is the script, so containerd ends with it too. The cri plugin is off: nothing here runs a container.
IMPORT = """
set -eu
tree=$1 root=$2 store=$3 archive=$4
mount --bind "$tree" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$store" "$root/var/lib/containerd"
mount --bind "$archive" "$root/mnt"
printf 'version = 2\\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\\n' > "$root/run/seed.toml"
chroot "$root" containerd --config /run/seed.toml > "$root/run/containerd.log" 2>&1 &
daemon=$!
tries=0
until chroot "$root" ctr version > /dev/null 2>&1; do
  tries=$((tries + 1))
  if [ $tries -gt 300 ] || ! kill -0 $daemon; then cat "$root/run/containerd.log"; exit 1; fi
  sleep 0.1
done
if ! chroot "$root" ctr --namespace k8s.io images import /mnt/images.tar; then cat "$root/run/containerd.log"; exit 1; fi
echo 'references:'
chroot "$root" ctr --namespace k8s.io images ls -q
kill $daemon
wait $daemon
"""
PRIVATE = ("unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "private")


def component(kind: str, cache: Cache, collected: Component, base: Component, runner: Runner) -> Component:
    """The store of one kind of node ("control" or "worker") as an artifact."""

    def build(folder: Path, step: Step) -> None:
        _Seed(cache.folder(collected), cache.folder(base) / "tree", runner, step).fill(folder, control=kind == "control")

    return Component(f"store-{kind}", f"seed image store {kind}", digest([kind, collected.key, base.key, _recipe()]), build)


def _recipe() -> str:
    here = Path(__file__).parent
    return digest_files((here / f"{name}.py" for name in ("archive", "images", "rootfs", "stores")), here)


class _Seed:
    def __init__(self, collected: Path, tree: Path, runner: Runner, step: Step) -> None:
        self.collected, self.tree, self.runner, self.step = collected, tree, runner, step

    def fill(self, store: Path, *, control: bool) -> None:
        wanted = images.references((self.collected / programs.IMAGES).read_text().split(), control=control)
        work = store.with_name(store.name.replace("store-", "layers-", 1))  # beside it, not in it
        try:
            self._archive(wanted, work / "archive")
            self._import(wanted, store, work)
        finally:
            remove_tree(work)

    def _archive(self, wanted: list[str], folder: Path) -> None:
        folder.mkdir(parents=True)
        self.step.live("writing layers")
        made = images.make(wanted, self.collected / programs.BIN, self.tree, folder, self._libraries)
        self.step.live("writing the archive")
        write_archive(made, folder / ARCHIVE)

    def _import(self, wanted: list[str], store: Path, work: Path) -> None:
        root = work / "root"
        root.mkdir()
        self.step.live("importing")
        arguments = [str(self.tree), str(root), str(store), str(work / "archive")]
        printed = self._run([*PRIVATE, "sh", "-c", IMPORT, "import", *arguments])
        stored = printed.rpartition("references:\n")[2].split()
        missing = sorted(set(wanted) - set(stored))
        if missing:
            raise ArtifactError(
                f"{self.step.name}: containerd did not take {', '.join(missing)}; its log: {self.runner.logs / 'stores.log'}"
            )

    def _libraries(self, paths: list[str]) -> str:
        # ldd fails for a static program but still prints all the others
        return self._run(["sh", "-c", f"chroot {shlex.quote(str(self.tree))} ldd {shlex.join(paths)} || true"])

    def _run(self, argv: list[str]) -> str:
        return self.runner.run(argv, what=self.step.name, log="stores.log")
