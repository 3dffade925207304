"""The API objects of a recording as the checks of the whole cluster need them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.parse.objects import DamagedObject, kubeadm_of

HEALTHY = "Running and Ready"
KUBEADM = "configmap/kube-system/kubeadm-config"
RECENT = timedelta(minutes=10)
Body = Mapping[str, Any]


class ClusterObjects:
    """Objects by name. Every access raises Inconclusive, naming the object and the API's answer, where there is none.

    `used` lists what was looked at, shortened to the part that matters.
    """

    def __init__(self, recording: Recording, inventory: Inventory) -> None:
        self.recording, self.inventory = recording, inventory
        self.used: list[Body] = []

    def body(self, name: str) -> Any:
        """Body of the last successful answer of that name."""
        found = self.recording.object(name)
        if found is None:
            raise Inconclusive(f"{name} was not read: {self._reason(name)}")
        return found

    def items(self, name: str) -> list[Body]:
        """Items of a list object."""
        return list(self.body(name).get("items") or [])

    def named(self, listing: str, name: str) -> Body | None:
        """The item of that name, None if the list holds none."""
        return next((item for item in self.items(listing) if item["metadata"]["name"] == name), None)

    def pods(self, namespace: str, key: str, value: str) -> list[Body]:
        """Pods of a namespace that carry the label and are not being deleted."""
        found = [p for p in self.items(f"pods/{namespace}") if (p["metadata"].get("labels") or {}).get(key) == value]
        alive = [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]
        self.used += [{"object": f"pods/{namespace}", "pod": pod["metadata"]["name"], "status": pod.get("status")} for pod in alive]
        return alive

    def service(self, namespace: str, name: str) -> Body | None:
        """The Service of that name, None if there is none."""
        wanted = (s for s in self.items("services") if (s["metadata"].get("namespace"), s["metadata"]["name"]) == (namespace, name))
        return next(wanted, None)

    def absent(self, name: str) -> bool:
        """Whether the API says that there is no such object (any other refusal leaves that open)."""
        entries = list(self.recording.entries("objects", name=name))
        return bool(entries) and entries[-1]["status"] == 404

    @cached_property
    def networking(self) -> Body | None:
        """Section `networking` of kubeadm's ClusterConfiguration; None where there is no such ConfigMap."""
        if self.absent(KUBEADM):
            return None
        self.body(KUBEADM)
        try:
            found = kubeadm_of(self.recording).get("networking") or {}
        except DamagedObject as error:
            raise Inconclusive(str(error)) from error
        if not isinstance(found, Mapping):
            raise Inconclusive(f"{KUBEADM}, key ClusterConfiguration: networking is no mapping")
        self.used.append({"object": KUBEADM, "networking": found})
        return found

    def slices(self, namespace: str, service: str) -> list[Body]:
        """EndpointSlices of a Service."""
        return [piece for piece in self.items("endpointslices") if slice_of(piece) == (namespace, service)]

    @cached_property
    def linux_nodes(self) -> tuple[str, ...]:
        """Names of all Linux nodes of the cluster, sorted."""
        nodes = self.items("nodes")
        return tuple(sorted(n["metadata"]["name"] for n in nodes if _system(n) == "linux"))

    @cached_property
    def now(self) -> datetime | None:
        """When the recording began, None if it does not tell."""
        return moment(self.recording.meta.get("started"))

    def state(self, pod: Body) -> str:
        """HEALTHY, or in words what is wrong with a pod: phase, waiting reason, readiness, a recent crash."""
        status = pod.get("status") or {}
        containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        for container in containers:
            if reason := ((container.get("state") or {}).get("waiting") or {}).get("reason"):
                return f"{container['name']} waiting: {reason} (restarts: {container.get('restartCount', 0)})"
        if status.get("phase") != "Running":
            return f"{status.get('phase', 'unknown')}"
        if not ready(pod):
            return "Running, not Ready"
        return next((crash for crash in map(self.crash, containers) if crash), HEALTHY)

    def crash(self, container: Body) -> str:
        """In words the container's recent crash, "" if there was none. Code 255 with reason Unknown is a reboot of the node."""
        last = (container.get("lastState") or {}).get("terminated") or {}
        if not container.get("restartCount") or last.get("exitCode", 0) == 0 or last.get("reason") == "Unknown":
            return ""
        ended = moment(last.get("finishedAt"))
        if self.now and ended and self.now - ended > RECENT:
            return ""
        how = f"exit code {last['exitCode']} (restarts: {container['restartCount']})"
        return f"{container['name']} crashed at {last.get('finishedAt')} with {how}"

    def _reason(self, name: str) -> str:
        entries = list(self.recording.entries("objects", name=name))
        if not entries:
            return "it was not asked for"
        body = entries[-1]["body"]
        message = body.get("message", "") if isinstance(body, Mapping) else str(body or "")
        return f"the API answered {entries[-1]['status']} {message}".strip()


def ready(pod: Body) -> bool:
    """Condition Ready."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in (pod.get("status") or {}).get("conditions") or ())


def slice_of(piece: Body) -> tuple[str, str]:
    """Namespace and Service that an EndpointSlice belongs to."""
    labels = piece["metadata"].get("labels") or {}
    return piece["metadata"].get("namespace", ""), labels.get("kubernetes.io/service-name", "")


def moment(text: Any) -> datetime | None:
    """An RFC 3339 time, None if it is none."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _system(node: Body) -> str:
    info = (node.get("status") or {}).get("nodeInfo") or {}
    return str(info.get("operatingSystem") or (node["metadata"].get("labels") or {}).get("kubernetes.io/os") or "linux")
