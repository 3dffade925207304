"""All components in the order in which they need each other, and how they are built side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.artifacts import basetree, gotools, programs, stores
from lab.artifacts.cache import Cache, Component
from lab.artifacts.command import Runner
from lab.artifacts.images import content_name
from lab.progress import Progress


class Recipe:
    """The components for one pinned Kubernetes below a cache folder."""

    def __init__(self, cache: Path, kubernetes: str = "kubernetes") -> None:
        self.cache = Cache(cache)
        self.runner = Runner(self.cache.logs)
        cni = (gotools.CNI_PLUGINS, gotools.FLANNEL_CNI)
        self.tools = (gotools.kubernetes(kubernetes), gotools.ETCD, *cni, gotools.FLANNEL, gotools.COREDNS)
        built = [(tool, gotools.component(tool, self.runner)) for tool in self.tools]
        self.base = basetree.component(self.runner)
        self.collected = programs.component(self.cache, built, self.runner)
        self.seeds = {kind: stores.component(kind, self.cache, self.collected, self.base, self.runner) for kind in stores.KINDS}
        self.compiled = [component for _, component in built]

    def missing(self) -> list[Component]:
        """Components to build, in order; a tool whose programs are already collected is not needed again."""
        compiled = [] if self.cache.has(self.collected) else self.compiled
        order = [self.base, *compiled, self.collected, *self.seeds.values()]
        return [component for component in order if not self.cache.has(component)]

    def build(self, progress: Progress) -> None:
        """Build what is missing: the Debian tree (network and unpacking) beside the compiler (processors)."""
        missing = self.missing()
        progress.plan([component.title for component in missing])
        compiled = [component for component in missing if component in self.compiled]
        with self._lane(lambda: self._prepare(missing, compiled, progress)):
            self._build(compiled, progress)
        self._build([component for component in missing if component not in (self.base, *compiled)], progress)

    def _prepare(self, missing: list[Component], compiled: list[Component], progress: Progress) -> None:
        """Everything that waits for the network while the compiler has the processors."""
        self._build([component for component in missing if component is self.base], progress)
        for tool, component in zip(self.tools, self.compiled, strict=True):
            if component in compiled[1:]:
                gotools.fetch(tool, self.runner)

    def _build(self, components: list[Component], progress: Progress) -> None:
        for component in components:
            with progress.step(component.title) as step:
                self.cache.build(component, step)

    @contextmanager
    def _lane(self, beside: Callable[[], None]) -> Iterator[None]:
        """Run something in a thread while the block runs; the first failure of either ends both."""
        failures: list[BaseException] = []

        def work() -> None:
            try:
                beside()
            except BaseException as error:
                failures.append(error)
                self.runner.stop()

        thread = threading.Thread(target=work, name="artifacts")
        thread.start()
        try:
            yield
            thread.join()
        except BaseException as error:
            failures.append(error)
            self.runner.stop()
            thread.join()
        if failures:
            raise failures[0]

    @property
    def _programs(self) -> Path:
        return self.cache.folder(self.collected)

    @property
    def bin(self) -> Path:
        return self._programs / programs.BIN

    @property
    def tree(self) -> Path:
        return self.cache.folder(self.base) / "tree"

    @property
    def flannel_manifest(self) -> Path:
        return self._programs / programs.FLANNEL_MANIFEST

    @property
    def stores(self) -> dict[str, Path]:
        return {kind: self.cache.folder(component) for kind, component in self.seeds.items()}

    def versions(self) -> dict[str, str]:
        """Component -> version: pinned in go.mod, or read from the Debian tree and the list of images."""
        pinned = {"kubernetes": self.tools[0].version, "etcd": gotools.ETCD.version, "flannel": gotools.FLANNEL.version}
        pinned |= {"coredns": gotools.COREDNS.version, "cni": gotools.CNI_PLUGINS.version}
        packages = dict(line.split() for line in (self.tree.parent / basetree.VERSIONS).read_text().splitlines())
        listed = {content_name(name): name.rpartition(":")[2] for name in (self._programs / programs.IMAGES).read_text().split()}
        return pinned | {"containerd": packages["containerd"], "runc": packages["runc"], "pause": listed["pause"]}
