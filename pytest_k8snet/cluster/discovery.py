"""Read what the cluster says about itself into the recording: raw answers, refusals included, nothing judged."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pytest_k8snet.errors import NoVerdict, UsageProblem
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings

from .connection import Answer, Connection, Unreachable
from .pods import PODS, pods

CORE, APPS, SLICES = "/api/v1", "/apis/apps/v1", "/apis/discovery.k8s.io/v1"
POLICIES = {"networkpolicies": "/apis/networking.k8s.io/v1/networkpolicies"}  # read once, at the end

OBJECTS = {
    "nodes": f"{CORE}/nodes",
    "services": f"{CORE}/services",
    "endpointslices": f"{SLICES}/endpointslices",
    "configmap/kube-system/kube-proxy": f"{CORE}/namespaces/kube-system/configmaps/kube-proxy",
    "configmap/kube-system/kubeadm-config": f"{CORE}/namespaces/kube-system/configmaps/kubeadm-config",
    "configmap/kube-system/coredns": f"{CORE}/namespaces/kube-system/configmaps/coredns",
    "configmap/kube-flannel/kube-flannel-cfg": f"{CORE}/namespaces/kube-flannel/configmaps/kube-flannel-cfg",
    "pods/kube-system": f"{CORE}/namespaces/kube-system/pods",
    "pods/kube-flannel": f"{CORE}/namespaces/kube-flannel/pods",
    "daemonsets/kube-system": f"{APPS}/namespaces/kube-system/daemonsets",
    "daemonsets/kube-flannel": f"{APPS}/namespaces/kube-flannel/daemonsets",
    "deployments/kube-system": f"{APPS}/namespaces/kube-system/deployments",
}
OLD_FLANNEL = "configmap/kube-system/kube-flannel-cfg"  # its home before flannel 0.19
ONCE = ("version", "namespace/kube-system")  # cannot change within a run
SETTINGS = ("configmap/", "daemonsets/", "deployments/")  # read once: what follows from a change shows in pods and on nodes
LOG_LINES = 200
LOG_PODS = 12  # requests are bounded
PARALLEL = 8
DEAD_NODE = 5.0  # s for an answer that comes from a node


def discover(connection: Connection, recording: Recording, settings: Settings, again: bool = False) -> None:
    """Append the objects to the recording. `again` reads what may have changed since (logs, pods, nodes), not what cannot.

    Raises UsageProblem when the node selector is wrong or selects nothing, NoVerdict when nodes cannot be listed.
    """
    if not again:
        _append(recording, {name: connection.greeting[name] for name in ONCE})
    _read(connection, recording, {name: path for name, path in OBJECTS.items() if not (again and name.startswith(SETTINGS))})
    if again:  # the run's own pods are there only now
        _append(recording, {PODS: pods(connection)})
        _read(connection, recording, POLICIES)
    _require_nodes(connection, recording)
    if not again and recording.object("configmap/kube-flannel/kube-flannel-cfg") is None:
        _read(connection, recording, {OLD_FLANNEL: f"{CORE}/namespaces/kube-system/configmaps/kube-flannel-cfg"})
    if not again:
        _select(connection, recording, settings)
        _read_kubelets(connection, recording)
    if again:  # logs tell most at the end, and requests are bounded
        _read(connection, recording, _log_paths(recording))
        _note_unread_logs(recording)


def selected(recording: Recording) -> tuple[str, ...]:
    """Names of the Linux nodes that the selector chose, sorted; all of them without a selector."""
    chosen = recording.known("nodes/selected")
    listed = recording.known("nodes") or {"items": []}
    names = {node["metadata"]["name"] for node in listed["items"] if _linux(node)}
    return tuple(sorted(names if chosen is None else names & set(chosen["names"])))


def _read(connection: Connection, recording: Recording, paths: dict[str, str]) -> None:
    if not paths:
        return
    with ThreadPoolExecutor(min(PARALLEL, len(paths))) as pool:
        answers = pool.map(lambda path: _safe_get(connection, path), paths.values())
        _append(recording, dict(zip(paths, answers, strict=True)))


def _safe_get(connection: Connection, path: str) -> Answer:
    try:
        return connection.get(path)
    except Unreachable as error:
        return Answer(0, {"message": str(error)})


def _append(recording: Recording, answers: dict[str, Answer]) -> None:
    for name, answer in answers.items():
        recording.append("objects", {"name": name, "status": answer.status, "body": _lean(answer.body)})


def _require_nodes(connection: Connection, recording: Recording) -> None:
    last = list(recording.entries("objects", name="nodes"))[-1]
    if last["status"] != 200 and recording.known("nodes") is None:
        answer = Answer(last["status"], last["body"])
        raise NoVerdict(f"context {connection.context}: nodes cannot be listed: {answer.message}")


def _select(connection: Connection, recording: Recording, settings: Settings) -> None:
    """Let the API server apply the label selector: its syntax and meaning are the server's."""
    if settings.nodes:
        answer = connection.get(f"{CORE}/nodes", [("labelSelector", settings.nodes)])
        if not answer.ok:
            raise UsageProblem(f"--k8snet-nodes {settings.nodes!r}: {answer.message}")
        names = sorted(node["metadata"]["name"] for node in answer.body["items"])
        recording.append("objects", {"name": "nodes/selected", "status": 200, "body": {"selector": settings.nodes, "names": names}})
    if not selected(recording):
        raise UsageProblem(f"--k8snet-nodes {settings.nodes!r} selects no Linux node" if settings.nodes else "no node runs Linux")


def _read_kubelets(connection: Connection, recording: Recording) -> None:
    names = selected(recording)
    with ThreadPoolExecutor(min(PARALLEL, len(names))) as pool:
        paths = (f"{CORE}/nodes/{name}/proxy/configz" for name in names)
        answers = pool.map(lambda path: connection.get_once(path, DEAD_NODE), paths)
        _append(recording, {f"configz/{name}": answer for name, answer in zip(names, answers, strict=True)})


def _log_paths(recording: Recording) -> dict[str, str]:
    """Logs of CoreDNS; the previous container's too where one restarted."""
    paths: dict[str, str] = {}
    for pod in list(_coredns_pods(recording))[:LOG_PODS]:
        name = f"log/kube-system/{pod['metadata']['name']}"
        path = f"{CORE}/namespaces/kube-system/pods/{pod['metadata']['name']}/log?container=coredns&tailLines={LOG_LINES}"
        paths[name] = path
        if any(status.get("restartCount") for status in pod.get("status", {}).get("containerStatuses", ())):
            paths[f"{name}/previous"] = f"{path}&previous=true"
    return paths


def _note_unread_logs(recording: Recording) -> None:
    for pod in list(_coredns_pods(recording))[LOG_PODS:]:
        body = {"message": f"not asked: logs of {LOG_PODS} CoreDNS pods are read, of any further ones not"}
        recording.append("objects", {"name": f"log/kube-system/{pod['metadata']['name']}", "status": 0, "body": body})


def _coredns_pods(recording: Recording) -> Iterable[dict[str, Any]]:
    pods = recording.known("pods/kube-system") or {"items": []}
    return (pod for pod in pods["items"] if (pod["metadata"].get("labels") or {}).get("k8s-app") == "kube-dns")


def _linux(node: dict[str, Any]) -> bool:
    labels = node["metadata"].get("labels") or {}
    system = node.get("status", {}).get("nodeInfo", {}).get("operatingSystem") or labels.get("kubernetes.io/os", "linux")
    return str(system) == "linux"


def _lean(body: Any) -> Any:
    """Drop what nobody reads and what makes recordings large: managedFields, and image lists of nodes."""
    if isinstance(body, dict):
        for item in body.get("items") or (body,):
            if isinstance(item, dict):
                (item.get("metadata") or {}).pop("managedFields", None)
                (item.get("status") or {}).pop("images", None) if isinstance(item.get("status"), dict) else None
    return body
