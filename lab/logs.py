"""The lab's logs: of a node, of a component wherever it runs, or the list of all."""

from __future__ import annotations

from pathlib import Path

from lab.errors import UsageError
from lab.process import last_lines
from lab.state import Places


def files(where: Places) -> dict[str, Path]:
    """Every log by a name: `NODE/containerd`, `NODE/kubelet`, `NODE/POD/CONTAINER` or the name of a host's program."""
    found = {path.stem: path for path in sorted((where.run / "log").glob("*.log"))}
    for folder in sorted(where.disks.glob("k8snet-*/log")):
        node = folder.parent.name
        found |= {f"{node}/{path.stem}": path for path in sorted(folder.glob("*.log"))}
        for path in sorted(folder.glob("pods/*/*/*.log")):
            pod = path.parent.parent.name.split("_")[1]
            found[f"{node}/{pod}/{path.parent.name}/{path.stem}"] = path
    return {name: path for name, path in found.items() if path.is_file() and path.stat().st_size}


def chosen(where: Places, what: str | None) -> dict[str, Path]:
    """The logs of a node or a component; UsageError naming what there is if nothing matches."""
    found = files(where)
    if what is None:
        return found
    some = {name: path for name, path in found.items() if any(what in part for part in name.split("/"))}
    if not some:
        known = sorted({part for name in found for part in name.split("/")[:2]})
        raise UsageError(f"no log of {what}; there are: {', '.join(known) or 'none (the lab is not up)'}")
    return some


def text(where: Places, what: str | None, lines: int) -> str:
    """The list of logs, or the last lines of the chosen ones, each under its name and path."""
    if what is None:
        return "\n".join(f"{name:<60} {path}" for name, path in chosen(where, None).items()) or "no logs: the lab is not up"
    parts = [f"== {name} ({path})\n{last_lines(path.read_text(errors='replace'), lines)}" for name, path in chosen(where, what).items()]
    return "\n".join(parts)
