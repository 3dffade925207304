"""The components that are compiled: each pinned by lab/tools/NAME/go.mod and go.sum, built by the host's Go."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lab.artifacts.cache import Component, digest, digest_files
from lab.artifacts.command import ArtifactError, Runner
from lab.progress import Step

TOOLS = Path(__file__).parent.parent / "tools"
BUILD_INFO = "github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion"
LIST = ["go", "list", "-mod=readonly", "-deps", "tool"]
ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}


@dataclass(frozen=True, slots=True)
class GoTool:
    """A module and how its programs are built.

    name: folder below lab/tools. module: whose version is *the* version. stamps: linker variables; VERSION, MAJOR and MINOR in
    a value are replaced. programs: what `go build` calls a program -> what it is called here.
    files: what is copied from the module beside the programs. static_c: C program of the module -> its name here.
    """

    name: str
    module: str
    stamps: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    cgo: bool = False
    programs: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    static_c: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return TOOLS / self.name

    @property
    def version(self) -> str:
        return pinned(self.folder / "go.mod", self.module)

    @property
    def linker_flags(self) -> str:
        """The text of -ldflags; a static link also where C code is in it."""
        names = dict(zip(("MAJOR", "MINOR"), self.version.lstrip("v").split("."), strict=False), VERSION=self.version)
        stamps = [f"-X {name}={names.get(value, value)}" for name, value in self.stamps.items()]
        return " ".join(["-s -w", *stamps, *(['-extldflags "-static"'] if self.cgo else [])])

    def command(self, target: Path) -> list[str]:
        tags = ["-tags", ",".join(self.tags)] if self.tags else []
        return ["go", "build", "-v", "-mod=readonly", "-trimpath", *tags, "-ldflags", self.linker_flags, "-o", f"{target}/", "tool"]

    @property
    def environment(self) -> dict[str, str]:
        return {**ENVIRONMENT, "CGO_ENABLED": "1" if self.cgo else "0"}

    @property
    def key(self) -> str:
        """Digest of go.mod, go.sum, the stub modules, the flags and the compiler's version."""
        sources = digest_files((path for path in self.folder.rglob("*") if path.is_file()), self.folder)
        recipe = [repr(sorted(part.items())) for part in (self.programs, self.static_c, self.environment)]
        return digest([sources, *self.command(Path("bin")), *recipe, *self.files, go_version()])


def kubernetes(name: str = "kubernetes") -> GoTool:
    """Kubernetes as pinned in lab/tools/`name`; without the stamps its programs call themselves v0.0.0."""
    stamps = {
        "gitVersion": "VERSION",
        "gitMajor": "MAJOR",
        "gitMinor": "MINOR",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
    }
    return GoTool(
        name,
        "k8s.io/kubernetes",
        stamps={f"k8s.io/component-base/version.{stamp}": value for stamp, value in stamps.items()},
        static_c={"build/pause/linux/pause.c": "pause"},
    )


ETCD = GoTool("etcd", "go.etcd.io/etcd/server/v3", programs={"server": "etcd"})
CNI_PLUGINS = GoTool("cni-plugins", "github.com/containernetworking/plugins", stamps={BUILD_INFO: "VERSION"})
FLANNEL_CNI = GoTool("flannel-cni", "github.com/containernetworking/plugins", stamps={BUILD_INFO: "VERSION"})
# the udp backend is a C program linked into flanneld, so it needs cgo on amd64
FLANNEL = GoTool(
    "flannel",
    "github.com/flannel-io/flannel",
    stamps={"github.com/flannel-io/flannel/pkg/version.Version": "VERSION"},
    tags=("netgo", "osusergo"),
    cgo=True,
    programs={"flannel": "flanneld", "install_conf": "install-conf"},
    files=("Documentation/kube-flannel.yml",),
)
COREDNS = GoTool(
    "coredns", "github.com/coredns/coredns", stamps={"github.com/coredns/coredns/coremain.GitCommit": "VERSION"}, tags=("grpcnotrace",)
)


def pinned(go_mod: Path, module: str) -> str:
    """Version of a module in a go.mod file; ArtifactError if it is not there."""
    found = re.search(rf"^(?:require\s+|\s+){re.escape(module)}\s+(v\S+)", go_mod.read_text(), re.MULTILINE)
    if not found:
        raise ArtifactError(f"{go_mod} does not pin {module}: add it to its require block")
    return found[1]


@cache
def go_version() -> str:
    """Version of the host's Go, as go1.26.8; ArtifactError if there is none."""
    try:
        done = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True, cwd="/")
    except (OSError, subprocess.CalledProcessError) as error:
        raise ArtifactError("Go is needed to build the cluster's programs: install it and put `go` on PATH") from error
    return done.stdout.strip()


def component(tool: GoTool, runner: Runner) -> Component:
    """The tool as an artifact: folder `bin` with its programs, its other files beside it."""

    def build(folder: Path, step: Step) -> None:
        _Build(tool, runner, step).into(folder)

    return Component(tool.name, f"build {tool.name} {tool.version}", tool.key, build)


def fetch(tool: GoTool, runner: Runner) -> None:
    """Load the tool's modules into Go's own cache ahead of its build; a failure is left for the build to report."""
    with suppress(ArtifactError):
        runner.run(LIST, what=f"fetch {tool.name}", log=f"{tool.name}-fetch.log", env=tool.environment, cwd=tool.folder)


@dataclass(frozen=True, slots=True)
class _Build:
    tool: GoTool
    runner: Runner
    step: Step

    def into(self, folder: Path) -> None:
        target = folder / "bin"
        target.mkdir()
        self._compile(target)
        for built, name in self.tool.programs.items():
            (target / built).rename(target / name)
        if self.tool.files or self.tool.static_c:
            self._from_module(folder)

    def _compile(self, target: Path) -> None:
        total = sum(not line.startswith("go: ") for line in self._run(LIST, self.step.live).splitlines())
        done = 0

        def show(line: str) -> None:
            nonlocal done
            done += not line.startswith("go: ")
            self.step.live(line if line.startswith("go: ") else f"{done} of {total} packages, {line}")

        self._run(self.tool.command(target), show)

    def _from_module(self, folder: Path) -> None:
        listed = self._run(["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", self.tool.module], self.step.live)
        source = Path(listed.splitlines()[-1])
        for file in self.tool.files:
            shutil.copyfile(source / file, folder / Path(file).name)
        for file, name in self.tool.static_c.items():
            self._run(["gcc", "-Os", "-Wall", "-static", "-s", "-o", str(folder / "bin" / name), str(source / file)])

    def _run(self, argv: list[str], line: Callable[[str], None] | None = None) -> str:
        tool = self.tool
        return self.runner.run(argv, what=self.step.name, log=f"{tool.name}.log", env=tool.environment, cwd=tool.folder, line=line)
