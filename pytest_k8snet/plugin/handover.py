"""What the controller of a distributed run hands to its workers, and what they hand back before anything is collected.

The inventory travels with the worker's input; the recording and the lists of selected items are files in one private folder,
which is why workers on other machines are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.inventory import Inventory, Node
from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.recording import Recording

from .demand import Case, Demand

KEY = "k8snet"
RECORDING, PROBLEM = "recording.zip", "problem.txt"


@dataclass(frozen=True, slots=True)
class Handover:
    """Input of a worker. `problem` tells why there is nothing to judge."""

    folder: Path
    run_id: str
    problem: str
    inventory: Inventory | None
    noted: Mapping[str, Any]  # settings found in a recording

    def dumps(self) -> str:
        """As one string, the safest thing to send to a worker."""
        inventory = _plain(self.inventory) if self.inventory else None
        return json.dumps([str(self.folder), self.run_id, self.problem, inventory, dict(self.noted)], default=dict)

    @classmethod
    def loads(cls, text: str) -> Handover:
        """The inverse of `dumps`."""
        folder, run_id, problem, inventory, noted = json.loads(text)
        return cls(Path(folder), run_id, problem, _inventory(inventory) if inventory else None, noted)

    def selection(self, worker: str) -> Path:
        """Where a worker writes what it selected."""
        return self.folder / f"selection-{worker}.json"

    def recording(self) -> Recording | str:
        """What the controller collected, or why there is nothing."""
        problem = self.folder / PROBLEM
        return problem.read_text("utf-8") if problem.exists() else Recording.read(self.folder / RECORDING)


def write_selection(path: Path, cases: Mapping[str, Case]) -> None:
    """Name the case of every selected item by its node id."""
    path.write_text(json.dumps({nodeid: [case.requirement.id, case.argument, str(case)] for nodeid, case in cases.items()}), "utf-8")


def read_selection(path: Path, demand: Demand) -> dict[str, Case]:
    """The inverse of `write_selection`."""
    return {nodeid: demand.case(*names) for nodeid, names in json.loads(path.read_text("utf-8")).items()}


def _plain(inventory: Inventory) -> dict[str, Any]:
    servers = {str(endpoint): address for endpoint, address in inventory.dns_servers.items()}
    return asdict(replace(inventory, dns_servers={})) | {"dns_servers": servers}


def _inventory(raw: dict[str, Any]) -> Inventory:
    nodes = tuple(Node(**{key: _frozen(value) for key, value in node.items()}) for node in raw.pop("nodes"))
    families = tuple(Family(family) for family in raw.pop("families"))
    servers = {Endpoint.parse(name): address for name, address in raw.pop("dns_servers").items()}
    return Inventory(**{key: _frozen(value) for key, value in raw.items()}, nodes=nodes, families=families, dns_servers=servers)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
