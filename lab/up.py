"""`python -m lab up`: from whatever state there is to a running lab of the wanted flavour."""

from __future__ import annotations

import errno
import shutil
import time
from pathlib import Path
from typing import Any

from lab import artifacts, change, flavour, kernel, process, rootfs, state, steps, teardown
from lab.artifacts import Artifacts
from lab.cgroup import members
from lab.cluster import Cluster
from lab.errors import LabError, UsageError
from lab.flavour import Flavour
from lab.progress import Progress
from lab.state import READY, Lab, Places

LEAST_SPACE = 2 << 30  # bytes that three nodes write in their first minutes, with room to run


def up(where: Places, wanted: dict[str, Any], *, install: bool, progress: Progress | None = None) -> None:
    """Bring the lab up. LabError or OSError if a step fails, with everything taken down again."""
    kernel.check_user()
    progress = progress or Progress()
    with state.lock(where):
        teardown.refuse_foreign(where)
        lab = state.load(where)
        now = lab.flavour if lab and healthy(where, lab) else None
        goal = flavour.choose(now or noted_flavour(where) or Flavour(), wanted)
        kernel.check_backend(goal.flannel_backend)
        if lab and now and not now.needs_new_cluster(goal):
            _change_running(Cluster(where, lab), goal, progress)
            return
        _start_anew(where, lab, goal, progress, install=install)


def _start_anew(where: Places, lab: Lab | None, goal: Flavour, progress: Progress, *, install: bool) -> None:
    """Build what is missing for a flavour, then clear away what there is and start it, from kept disks if they fit."""
    folder = flavour.KUBERNETES[goal.kubernetes]
    provide_tools(where, folder, install=install)
    kernel.check_machine()
    started = time.monotonic()
    made = artifacts.ensure(where.cache, progress, folder)
    kernel.check_rules(made.base)
    _clear(where, lab, goal)
    check_space(where)
    cluster = _start(where, made, goal, progress)
    print(summary(cluster, time.monotonic() - started))


def healthy(where: Places, lab: Lab) -> bool:
    """True if all of a lab's processes run and its API server answers."""
    if lab.phase != READY or not all(one.alive() for one in lab.processes.values()):
        return False
    cluster = Cluster(where, lab)
    end = time.monotonic() + 10
    while not cluster.api.ready():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _change_running(cluster: Cluster, goal: Flavour, progress: Progress) -> None:
    now = cluster.lab.flavour
    if now == goal and not change.strays(cluster):
        print(f"The lab is up ({now}); nothing changed.\n{_usage(cluster.where)}")
        return
    change.apply(cluster, goal, progress)
    print(summary(cluster, sum(progress.timings.values())))


def _clear(where: Places, lab: Lab | None, goal: Flavour) -> None:
    if lab is None and not members():
        return
    if lab and lab.phase == READY and lab.flavour.needs_new_cluster(goal):
        print("The running lab's cluster cannot become one of this flavour: taking it down first.", flush=True)
    else:
        print("A lab is there that does not run as it should (a killed `up`, or a dead node): clearing it away first.", flush=True)
    with process.signals_held():
        teardown.processes(where, lab)
        teardown.forget(where)


def provide_tools(where: Places, kubernetes: str = "kubernetes", *, install: bool) -> None:
    """Name the programs that this machine lacks, or install them; UsageError if they stay missing."""
    missing = kernel.missing_tools()
    if artifacts.step_names(where.cache, kubernetes):
        missing += artifacts.missing_on_host()
    if not missing:
        return
    packages = sorted({package for _, package in missing})
    if not install:
        tools = ", ".join(tool for tool, _ in missing)
        raise UsageError(f"this machine lacks {tools}: run `python -m lab up --install`, or `apt-get install {' '.join(packages)}`")
    _install(packages)
    provide_tools(where, kubernetes, install=False)


def _install(packages: list[str]) -> None:
    if shutil.which("apt-get") is None:
        raise UsageError(f"--install needs apt-get (Debian, Ubuntu); install by hand what these packages hold: {' '.join(packages)}")
    print(f"installing {' '.join(packages)}", flush=True)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    process.run([*quiet, "update"], what="apt-get update", timeout=300)
    process.run([*quiet, "install", "-y", "--no-install-recommends", *packages], what="apt-get install", timeout=900)


def check_space(where: Places) -> None:
    """Raise UsageError if the disk of the cache folder has no room for the nodes."""
    where.cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(where.cache).free
    if free < LEAST_SPACE:
        raise UsageError(
            f"the disk of {where.cache} has {free >> 20} MiB free, the nodes need {LEAST_SPACE >> 20}: free some, "
            "or set K8SNET_LAB_CACHE to a folder on another disk"
        )


def _start(where: Places, made: Artifacts, goal: Flavour, progress: Progress) -> Cluster:
    kept = kept_flavour(where, made)
    if kept is None or kept.needs_new_cluster(goal):
        kept = None
        rootfs.remove(where.disks)
    first = kept or goal
    lab = Lab(flavour=first, versions=made.versions, bin=str(made.bin), base=str(made.base), probe_image=made.probe_image)
    cluster = Cluster(where, lab)
    state.save(where, lab)
    try:
        _run_steps(cluster, made, progress, resume=kept is not None)
        lab.phase = READY
        state.save(where, lab)
    except BaseException as error:
        raise after_failure(where, lab, error, keep_disks=kept is not None) from None
    if first != goal:
        change.apply(cluster, goal, progress)
    return cluster


def _run_steps(cluster: Cluster, made: Artifacts, progress: Progress, *, resume: bool) -> None:
    progress.plan(steps.RESUME if resume else steps.COLD)
    if resume:
        steps.resume(cluster, progress)
    else:
        steps.cold_start(cluster, made, progress)


def noted_flavour(where: Places) -> Flavour | None:
    """The flavour noted on kept disks, of whatever make they are."""
    values = (rootfs.read_complete(where.disks) or {}).get("flavour")
    return flavour.from_dict(values) if isinstance(values, dict) else None


def kept_flavour(where: Places, made: Artifacts) -> Flavour | None:
    """The flavour of the complete cluster on kept disks; None if there is none, or one of other binaries or images."""
    noted = rootfs.read_complete(where.disks)
    if noted is None:
        return None
    if noted.get("origin") != rootfs.origin(made):
        print("The kept disks are of other binaries or images than now pinned: starting anew.", flush=True)
        return None
    return noted_flavour(where)


def after_failure(where: Places, lab: Lab, error: BaseException, *, keep_disks: bool) -> BaseException:
    """Take down what a failed start made, keep its logs, and give the error with the logs' new place."""
    with process.signals_held():
        failed = where.cache / "failed"
        shutil.rmtree(failed, ignore_errors=True)
        teardown.processes(where, lab)
        moved = {} if isinstance(error, KeyboardInterrupt) else _keep_logs(where, failed, keep_disks)
        teardown.everything(where, None, keep_disks=keep_disks)
    text = str(error)
    for old, new in moved.items():
        text = text.replace(old, new)
    if keep_disks and isinstance(error, LabError):
        text += "\nThe disks are kept; `python -m lab down` discards them and the next `up` starts anew."
    return LabError(text) if isinstance(error, LabError) else error


def _keep_logs(where: Places, failed: Path, keep_disks: bool) -> dict[str, str]:
    moved = {}
    sources = [(where.run / "log", "hosts")]
    if not keep_disks:
        sources += [(path, path.parent.name) for path in where.disks.glob("*/log")]
    for source, name in sources:
        try:
            shutil.copytree(source, failed / name, symlinks=True)
        except (OSError, shutil.Error):
            continue  # a full disk: the message itself has the end of the log
        moved[str(source)] = str(failed / name)
    return moved


def summary(cluster: Cluster, seconds: float) -> str:
    """What to know of the lab that has come up."""
    return f"The lab is up ({cluster.lab.flavour}) after {seconds:.1f} s.\n{_usage(cluster.where)}"


def _usage(where: Places) -> str:
    return (
        f"  kubeconfig   {where.kubeconfig} (context k8snet-lab; it answers only under `python -m lab run`)\n"
        f"  the suite    python -m lab run -- pytest --k8s-context k8snet-lab\n"
        f"  a command    python -m lab kubectl get pods -A"
    )


def explain(error: OSError) -> str:
    """An operating system's error as one line with a next step."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full ({error.filename or 'while writing'}): free some space, then `python -m lab up` again"
    return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
