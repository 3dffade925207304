"""Commands inside the lab: on the runner host (`run`, `kubectl`) and inside a node (`exec`)."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from lab import addresses, cgroup, namespace, node
from lab.errors import LabError, UsageError
from lab.process import Process
from lab.state import READY, Lab, Places

JOINED = ("ipc", "uts", "net", "pid", "cgroup", "mnt")  # the mount namespace last: /proc is the machine's until then
FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
IMAGE_OPTION = "--k8snet-image"
EXTERNAL_OPTION = "--k8snet-external"


def outside(families: str) -> tuple[str, str]:
    """The targets outside the cluster: the internet's HTTP server and its DNS server, by the cluster's first family."""
    host = addresses.of_cluster(families, str(addresses.INTERNET_HOST), f"[{addresses.INTERNET_HOST6}]")[0]
    server = addresses.of_cluster(families, str(addresses.INTERNET_DNS), f"[{addresses.INTERNET_DNS6}]")[0]
    return f"tcp://{host}:{addresses.HTTP_PORT}", f"dns://{server}/{addresses.INTERNET_NAME}"


def running(lab: Lab | None) -> Lab:
    """The lab, if it is up; UsageError with the next step if not."""
    if lab is None or lab.phase != READY:
        raise UsageError("the lab is not up: run `python -m lab up` first")
    return lab


def on_runner(where: Places, lab: Lab, argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become a command on the runner host: with its network and resolver; all else is the machine's."""
    runner = lab.process("runner")
    if not runner.alive():
        raise LabError("the runner host is gone: `python -m lab up` starts the lab again")
    namespace.join(runner.pid, "net")
    namespace.unshare(namespace.CLONE_NEWNS)
    namespace.make_mounts_private()
    resolver = os.path.realpath("/etc/resolv.conf")
    if os.path.isfile(resolver):
        namespace.bind_mount(str(where.run / "resolv.conf"), resolver)
    become(argv, environment)


def become(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by a command; as in shells 127 means no such program, 126 that it cannot be run."""
    sys.stdout.flush()
    try:
        os.execvpe(argv[0], list(argv), dict(environment))
    except FileNotFoundError:
        print(f"lab: {argv[0]}: no such program", file=sys.stderr)
        os._exit(127)
    except OSError as error:
        print(f"lab: {argv[0]}: {error.strerror}", file=sys.stderr)
        os._exit(126)


def runner_environment(where: Places, lab: Lab, given: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment with KUBECONFIG, and for pytest the lab's image and internet unless others are named."""
    options = given.get("PYTEST_ADDOPTS", "")
    try:
        named = {word.partition("=")[0] for word in shlex.split(options)}
    except ValueError as error:
        raise UsageError(f"PYTEST_ADDOPTS is no list of options ({error}): correct it or unset it") from None
    added = [] if IMAGE_OPTION in named else [f"{IMAGE_OPTION}={lab.probe_image}"]
    added += [] if EXTERNAL_OPTION in named else [f"{EXTERNAL_OPTION}={one}" for one in outside(lab.flavour.families)]
    return {**given, "KUBECONFIG": str(where.kubeconfig), "PYTEST_ADDOPTS": " ".join([*added, options]).strip()}


def in_node(started: Process, argv: Sequence[str]) -> int:
    """Run a command inside a node; its exit code, 128 + N if signal N ended it."""
    pid = node.init_pid(started)
    cgroup.enter(cgroup.later_entrances(started.name))
    _join_all(pid)
    child = os.fork()
    if child == 0:
        namespace.die_with_parent(signal.SIGKILL)
        keep = {name: os.environ[name] for name in ("TERM", "COLUMNS", "LINES") if name in os.environ}
        os.environ["PATH"] = node.PATH
        become(argv, {**keep, "PATH": node.PATH, "HOME": "/root", "LANG": "C.UTF-8", "KUBECONFIG": _admin()})
    return _wait(child)


def _admin() -> str:
    admin = Path("/etc/kubernetes/admin.conf")
    return str(admin if admin.exists() else Path("/etc/kubernetes/kubelet.conf"))


def _join_all(pid: int) -> None:
    descriptors = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in JOINED]
    for descriptor in descriptors:
        namespace.setns(descriptor)
        os.close(descriptor)


def _wait(child: int) -> int:
    for number in FORWARDED:
        signal.signal(number, lambda received, _: os.kill(child, received))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command itself
    return os.waitstatus_to_exitcode(_status(child)) % 256


def _status(child: int) -> int:
    status = os.waitpid(child, 0)[1]
    return (128 + os.WTERMSIG(status)) << 8 if os.WIFSIGNALED(status) else status
