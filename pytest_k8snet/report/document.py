"""The report as a JSON document; its shape is published in schema.json."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.verdict import Status

from . import matrix
from .assessment import Assessment
from .causes import as_dict as cause_as_dict
from .results import as_dict
from .verdict import OBSERVED

SCHEMA_VERSION = "1.0"


def schema() -> dict[str, Any]:
    """The published JSON schema (draft 2020-12)."""
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath("schema.json").read_text("utf-8"))
    return loaded


def document(run: Assessment) -> dict[str, Any]:
    """The whole report; every status, every cell."""
    about = run.about
    return {
        "schemaVersion": SCHEMA_VERSION,
        "kind": "NetworkConformanceReport",
        "verdict": run.verdict.value,
        "exitCode": int(run.exit_code),
        "problem": run.problem,
        "run": {
            "id": about.run_id,
            "started": about.started,
            "finished": about.finished,
            "command": list(about.command),
            "mode": about.mode,
        },
        "suite": {"version": about.version, "digest": about.digest},
        "cluster": _cluster(run.inventory) if run.inventory else None,
        "profiles": list(run.profiles),
        "coverage": coverage(run),
        "results": [as_dict(result) for result in run.results],
        "matrix": [matrix.as_dict(plane) for plane in matrix.planes(run.results)],
        "causes": [cause_as_dict(cause) for cause in run.causes],
        "undiagnosed": run.undiagnosed,
        "cleanup": {"leftBehind": list(run.left_behind), "kept": run.kept},
        "waivers": [],
    }


def coverage(run: Assessment) -> dict[str, Any]:
    """How much of the catalogue was assessed, and why the rest was not."""
    statuses = run.statuses()
    silent = {id: found for id, found in statuses.items() if found not in OBSERVED}
    reasons = dict(run.unselected) | {id: run.reason(id) for id in silent}
    return {
        "requirements": len(run.catalogue),
        "assessed": len(statuses) - len(silent),
        **{status.value: run.count(status) for status in Status},
        "notAssessed": [_not_assessed(id, statuses, reasons) for id in sorted(reasons)],
        "partlyJudged": sorted(run.partly_judged),
        "partial": list(run.partial),
    }


def write(report: Mapping[str, Any], path: Path) -> None:
    """Write the report whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    draft.replace(path)


def _not_assessed(id: str, statuses: Mapping[str, Status], reasons: Mapping[str, str]) -> dict[str, str]:
    return {"requirement": id, "status": statuses.get(id, Status.SKIPPED).value, "reason": reasons[id]}


def _cluster(inventory: Inventory) -> dict[str, Any]:
    return {
        "context": inventory.context,
        "uid": inventory.cluster_uid,
        "version": inventory.version,
        "families": [str(family) for family in inventory.families],
        "cni": inventory.cni,
        "backend": inventory.backend,
        "flannelVersion": inventory.flannel_version,
        "proxy": inventory.proxy,
        "dns": inventory.dns,
        "installer": inventory.installer,
        "nodes": [
            {"name": node.name, "addresses": list(node.internal_ips), "podCIDRs": list(node.pod_cidrs), "kubelet": node.kubelet_version}
            for node in inventory.nodes
        ],
    }
