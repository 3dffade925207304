"""Waiting until the cluster's DNS knows the run's own Services: a name asked for too early would look like a broken answer.

Every replica learns of Services by a watch of its own. Once it knows the marker, which is created last, it knows the others.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from pytest_k8snet.model.probe import Action, Probe
from pytest_k8snet.model.recording import Recording

TIMEOUT = 20.0  # s; a replica that does not answer at all is given up after SILENT
SILENT = 3.0
PAUSE = 0.3
ONE_TRY = 1.0


def resolves(probe: Probe) -> bool:
    """Whether a probe asks the cluster's DNS."""
    return probe.action in (Action.RESOLVE, Action.QUERY, Action.LOOKUPS) or probe.detail == "by-name"


class Asks(Protocol):
    """A control stream."""

    def request(self, do: str, **body: Any) -> Iterable[Mapping[str, Any]]: ...


def replicas(recording: Recording) -> Iterator[tuple[str, str]]:
    """Node and address of every ready pod of the cluster's DNS."""
    for pod in (recording.object("pods/kube-system") or {"items": []})["items"]:
        conditions = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions") or ()}
        if (pod["metadata"].get("labels") or {}).get("k8s-app") == "kube-dns" and conditions.get("Ready") == "True":
            yield pod["spec"].get("nodeName", ""), pod["status"]["podIP"]


def await_name(stream: Asks, name: str, server: str, port: int = 53) -> dict[str, Any]:
    """Ask one replica until it knows the name. The event tells how long it took, or what the last answer was."""
    started = time.monotonic()
    heard = False
    while True:
        rcode = _ask(stream, name, server, port)
        heard = heard or bool(rcode)
        passed = time.monotonic() - started
        known = rcode == "NOERROR"
        if known or passed > (TIMEOUT if heard else SILENT):
            return {"what": "names", "server": server, "known": known, "rcode": rcode, "seconds": round(passed, 2)}
        time.sleep(PAUSE)


def _ask(stream: Asks, name: str, server: str, port: int) -> str:
    """The response code, "" when nothing came back."""
    probe = {
        "id": "names", "action": "query", "family": "ipv6" if ":" in server else "ipv4", "address": server, "port": port,
        "transport": "udp", "name": name, "type": "A", "samples": 1, "warmup": 0, "timeout": ONE_TRY, "nonce": secrets.token_hex(4),
    }  # fmt: skip
    frames = list(stream.request("probe", probes=[probe], parallel=1))
    samples = [sample for frame in frames if frame["kind"] == "result" for sample in frame["samples"]]
    return next((str(sample["reply"].get("rcode") or "") for sample in samples if sample.get("reply")), "")
