"""What there is of the lab: for people and, as JSON, for programs."""

from __future__ import annotations

from typing import Any

from lab import addresses, process, rootfs
from lab.cgroup import members
from lab.state import READY, Lab, Places


def describe(where: Places, lab: Lab | None) -> dict[str, Any]:
    """Everything about the lab as plain values.

    Returns:
        `state` (`running`, `broken`, `starting`, `kept`, `stopped`), `kubeconfig`, `context`,
        `nodes[] {name, role, address, addresses[], pid}`,
        `flavour`, `versions`, `probeImage`, `internet {address, addresses[], dns, dnsAddresses[], httpPort, echoPort, name}`,
        `runner {address, addresses[]}`, `podSubnet`, `serviceSubnet` (as kubeadm takes them),
        `missing[]` (processes that should run and do not), `stateFolder`, `cache`.
    """
    families = lab.flavour.families if lab else str((rootfs_flavour(where) or {}).get("families", "ipv4"))
    return {
        "state": _state(where, lab),
        "kubeconfig": str(where.kubeconfig),
        "context": "k8snet-lab",
        "nodes": _nodes(lab) if lab else [],
        "flavour": lab.flavour.as_dict() if lab else rootfs_flavour(where),
        "versions": lab.versions if lab else {},
        "probeImage": lab.probe_image if lab else "",
        "internet": {
            "address": str(addresses.INTERNET_HOST), "addresses": [str(one) for one, _ in addresses.internet(families)],
            "dns": str(addresses.INTERNET_DNS),
            "dnsAddresses": list(addresses.of_hosts(families, str(addresses.INTERNET_DNS), str(addresses.INTERNET_DNS6))),
            "httpPort": addresses.HTTP_PORT, "echoPort": addresses.ECHO_PORT, "name": addresses.INTERNET_NAME,
        },
        "runner": {"address": str(addresses.RUNNER_HOST), "addresses": [str(one) for one, _ in addresses.runner(families)]},
        "podSubnet": ",".join(addresses.of_cluster(families, str(addresses.PODS), str(addresses.PODS6))),
        "serviceSubnet": ",".join(addresses.of_cluster(families, str(addresses.SERVICES), str(addresses.SERVICES6))),
        "missing": missing(lab),
        "stateFolder": str(where.run),
        "cache": str(where.cache),
    }  # fmt: skip


def missing(lab: Lab | None) -> list[str]:
    """Names of the processes that should run and do not."""
    return [name for name, one in lab.processes.items() if not one.alive()] if lab else []


def rootfs_flavour(where: Places) -> Any:
    """The flavour of kept disks; None if there are none."""
    return (rootfs.read_complete(where.disks) or {}).get("flavour")


def _state(where: Places, lab: Lab | None) -> str:
    if lab is None:
        if members():
            return "broken"
        return "kept" if rootfs.read_complete(where.disks) else "stopped"
    if lab.phase != READY:
        return "starting"
    return "broken" if missing(lab) else "running"


def _nodes(lab: Lab) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name, "role": one.role, "address": one.addresses(lab.flavour.families)[0],
            "addresses": list(one.addresses(lab.flavour.families)), "pid": _pid(lab, one.name),
        }
        for one in addresses.nodes(lab.flavour.workers)
    ]  # fmt: skip


def _pid(lab: Lab, name: str) -> int | None:
    started = lab.processes.get(name)
    return process.first_child(started.pid) if started and started.alive() else None


NEXT = {
    "running": "python -m lab run -- pytest --k8s-context k8snet-lab",
    "broken": "python -m lab up (clears away and starts again), or python -m lab down",
    "starting": "wait for the `up` that is at work; if it was killed, run python -m lab up or down",
    "kept": "python -m lab up (resumes from the kept disks), or python -m lab down (discards them)",
    "stopped": "python -m lab up",
}


def as_text(values: dict[str, Any]) -> str:
    """The same for a person, with the next step."""
    lines = [f"state       {values['state']}"]
    lines += [f"node        {one['name']:<16} {one['address']:<14} pid {one['pid'] or '-'}" for one in values["nodes"]]
    if values["flavour"]:
        lines.append("flavour     " + ", ".join(f"{name} {value}" for name, value in values["flavour"].items()))
    if values["versions"]:
        lines.append("versions    " + ", ".join(f"{name} {value}" for name, value in values["versions"].items()))
    if values["nodes"]:
        lines.append(f"kubeconfig  {values['kubeconfig']} (context {values['context']}; answers only under `python -m lab run`)")
    if values["missing"]:
        lines.append(f"missing     {', '.join(values['missing'])}")
    lines += [f"cache       {values['cache']}", f"next        {NEXT[values['state']]}"]
    return "\n".join(lines)
