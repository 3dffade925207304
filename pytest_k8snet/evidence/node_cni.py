"""The node's CNI configurations and programs: what flannel writes, and what the container runtime looks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import PurePosixPath

from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse import cni, containerd, listing
from pytest_k8snet.parse.errors import ParseError
from pytest_k8snet.plan import cni_paths
from pytest_k8snet.plan.cni_paths import CONFIG_FOLDER, CONFIGURATIONS, PROGRAM_FOLDER, Written
from pytest_k8snet.plan.readers import HOST

from .comparison import Comparison
from .node_facts import NodeFacts

PROGRAMS = ("flannel", "bridge", "host-local", "loopback", "portmap")
EXECUTABLE, MISSING = "executable", "missing"
SOCKETS = ("unix:///run/containerd/containerd.sock", "unix:///var/run/containerd/containerd.sock")
SOCKET_NOTE = "kubeadm.alpha.kubernetes.io/cri-socket"
DROP_INS = "/etc/containerd/conf.d/*.toml"


def first_file(node: NodeFacts) -> Comparison:
    """The runtime takes the first configuration by name: it is flannel's, in the directory that the runtime uses."""
    own, runtime = _written(node), _runtime(node)
    names = _configurations(node)
    first = names[0] if names else MISSING
    found = {"directory of the runtime": _plain(str(runtime.config)), "first file": first}
    expected = {"directory of the runtime": own.config, "first file": own.file}
    notes = {"first file": f"the directory holds {', '.join(names) or 'no configuration'}", "directory of the runtime": _why(node)}
    return Comparison(f"CNI configurations in {own.config}", found, expected, notes)


def programs(node: NodeFacts) -> Comparison:
    """Programs that pods of flannel need, in the directory where the runtime looks for them."""
    folder, folders = _listed(node, "cni-programs"), [_plain(path) for path in _runtime(node).programs]
    if folder not in folders:
        raise Inconclusive(f"{node.node}: the runtime looks for programs in {', '.join(folders)}, and {folder} was read")
    there = {} if node.absent("cni-programs") else node.parsed("cni-programs", listing.modes)
    found = {name: _state(there.get(name)) for name in PROGRAMS}
    lost = [name for name, state in found.items() if state != EXECUTABLE]
    if lost and len(folders) > 1:
        raise Inconclusive(f"{node.node}: {', '.join(lost)} may be elsewhere than in {folder}: the runtime has {', '.join(folders)}")
    return Comparison(f"CNI programs in {folder}", found, dict.fromkeys(PROGRAMS, EXECUTABLE), {n: there.get(n, "") for n in lost})


def runtime_paths(node: NodeFacts) -> Comparison:
    """The runtime's directories are those that flannel writes to, and no other plugin left its configuration there."""
    own, runtime = _written(node), _runtime(node)
    found: dict[str, object] = {"directory of configurations": _plain(str(runtime.config))}
    expected: dict[str, object] = {"directory of configurations": own.config}
    if own.programs:
        used = [_plain(path) for path in runtime.programs]
        found["directory of programs"] = own.programs if own.programs in used else ", ".join(used)
        expected["directory of programs"] = own.programs
    found["configurations of other plugins"] = frozenset(_leftovers(node, own))
    expected["configurations of other plugins"] = frozenset[str]()
    notes = dict.fromkeys(found, f"flannel's DaemonSet writes there; {_why(node)}") | {"configurations of other plugins": own.config}
    return Comparison("CNI directories of the container runtime", found, expected, notes)


def _written(node: NodeFacts) -> Written:
    """Where flannel writes. Raises Inconclusive where its DaemonSet does not tell."""
    if node.inventory.cni != "flannel":
        raise Inconclusive(f"{node.node}: where {node.inventory.cni or 'an unknown CNI plugin'} writes its CNI configuration is not known")
    own = cni_paths.written(node.recording)
    if not own.config:
        raise Inconclusive(f"{node.node}: flannel's DaemonSet does not tell where it puts its CNI configuration")
    return Written(_plain(own.config), own.file, _plain(own.programs) if own.programs else "")


def _configurations(node: NodeFacts) -> list[str]:
    """Names that a runtime considers, in its order. A directory that is missing holds none."""
    if node.absent("cni-files"):
        return []
    entries = node.parsed("cni-files", listing.modes).items()
    return sorted(name for name, mode in entries if name.endswith(CONFIGURATIONS) and not mode.startswith("d"))


def _leftovers(node: NodeFacts, own: Written) -> list[str]:
    texts = {path.rpartition("/")[2]: text for path, text in node.files("cni").items()}
    return [name for name in _configurations(node) if name != own.file and not _loopback(texts.get(name, ""))]


def _loopback(text: str) -> bool:
    """A configuration of the loopback interface alone is nobody's pod network."""
    try:
        return set(cni.parse(text).types) == {"loopback"}
    except ParseError:
        return False


def _runtime(node: NodeFacts) -> containerd.Paths:
    """Directories of containerd. Raises Inconclusive for another runtime, and where its configuration is not known."""
    name = node.inventory.node(node.node).runtime
    if not name.startswith("containerd://"):
        raise Inconclusive(f"{node.node}: the configuration of {name or 'an unknown runtime'} is not read, only containerd's")
    socket = _socket(node)
    if socket not in SOCKETS:
        raise Inconclusive(f"{node.node}: kubelet talks to {socket or 'an unknown socket'}: where that runtime is configured is not known")
    files = node.files("runtime-config")
    parsed = {path: node.understood("runtime-config", containerd.parse, text) for path, text in files.items()}
    return reduce(_over, _in_use(node, parsed), containerd.Paths(CONFIG_FOLDER, (PROGRAM_FOLDER,)))


def _in_use(node: NodeFacts, parsed: Mapping[str, containerd.Paths]) -> list[containerd.Paths]:
    main = [paths for path, paths in parsed.items() if path.endswith("/config.toml")]
    others = [paths for path, paths in sorted(parsed.items()) if not path.endswith("/config.toml")]
    imports = {pattern for paths in main for pattern in paths.imports}
    if imports - {DROP_INS}:
        raise Inconclusive(f"{node.node}: containerd imports {', '.join(sorted(imports - {DROP_INS}))}, which are not read")
    if imports:
        return [*main, *others]
    if any(not paths.silent for paths in others):
        raise Inconclusive(f"{node.node}: files in {DROP_INS} set CNI directories, and whether containerd takes them in is not known")
    return main


def _over(before: containerd.Paths, after: containerd.Paths) -> containerd.Paths:
    return containerd.Paths(after.config or before.config, after.programs or before.programs)


def _socket(node: NodeFacts) -> str:
    """Socket of the runtime, as kubelet's configuration or kubeadm's annotation tells; "" where neither does."""
    body = node.recording.object(f"configz/{node.node}")
    told = (body.get("kubeletconfig") or {}).get("containerRuntimeEndpoint") if isinstance(body, Mapping) else ""
    return str(told or (node.api["metadata"].get("annotations") or {}).get(SOCKET_NOTE) or "")


def _listed(node: NodeFacts, name: str) -> str:
    return _plain(node.source(name).removeprefix(HOST))


def _why(node: NodeFacts) -> str:
    files = [path.removeprefix(HOST) for path in node.files("runtime-config")]
    return f"the runtime's {', '.join(files)}" if files else "containerd has no configuration file: its defaults"


def _state(mode: str | None) -> str:
    if mode is None:
        return MISSING
    return EXECUTABLE if mode[0] == "-" and mode[3] in "xs" else "not executable"


def _plain(path: str) -> str:
    return str(PurePosixPath(path))


COMPARISONS: dict[str, Callable[[NodeFacts], Comparison]] = {
    "first_cni_file": first_file,
    "cni_programs": programs,
    "runtime_paths": runtime_paths,
}
