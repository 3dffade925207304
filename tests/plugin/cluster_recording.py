"""A recording of a healthy cluster that never existed: its frames follow from the documented matrix. Cells only; no facts of nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pytest_k8snet.model.endpoint import Endpoint, EndpointKind
from pytest_k8snet.model.inventory import Inventory
from pytest_k8snet.model.probe import Action
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.parse.objects import inventory
from pytest_k8snet.plugin.demand import CellPlan, Demand

RUN = "abc123"
NODES = ("control", "worker1", "worker2")
ROLES = ("host", "pod/a", "pod/b", "pod/default", "pod/none", "pod/hostdns")
Edit = Callable[[dict[str, Any]], None]


def recording(nodes: Iterable[str] = NODES, settings: Settings | None = None) -> Recording:
    """Everything reached, every address as documented."""
    made = Recording({"run_id": RUN, "context": "lab", "started": "2026-01-01T00:00:00+00:00", "namespace": f"k8snet-{RUN}"})
    names = tuple(nodes)
    for name, body in _objects(names).items():
        made.append("objects", {"name": name, "status": 200, "body": body})
    for number, node in enumerate(names):
        for index, role in enumerate(ROLES):
            address = _node_ip(number) if role in ("host", "pod/hostdns") else f"10.244.{number}.{index + 2}"
            entry = {"endpoint": f"{role}@{node}", "namespace": f"k8snet-{RUN}", "pod": "x", "ip": address, "tier": "", "problem": ""}
            made.append("fleet", entry)
    known = inventory(made)
    for plan in _plans(settings or Settings(), known):
        made.append("frames", {"source": str(plan.probe.source), "frame": _frame(plan, known, made)})
    return made


def save(path: Path, made: Recording | None = None) -> Path:
    """Write it and give the path back."""
    (made or recording()).write(path)
    return path


def fail(made: Recording, source: str, target: str, outcome: str = "timeout", action: str = "") -> Recording:
    """Let probes fail: `source` and `target` are the spellings of endpoints, or "@node" for all of a node, "" for any."""
    for entry in made.streams["frames"]:
        frame = entry["frame"]
        head, _, ends = frame["id"].partition(":")
        start, _, end = ends.partition(">")
        if start.endswith(source) and end.endswith(target) and head.startswith(action):
            frame["samples"] = [{**sample, "outcome": outcome, "reply": {}} for sample in frame["samples"]]
    return made


def seen_as(made: Recording, source: str, target: str, address: str) -> Recording:
    """Let the target see another source address."""
    for entry in made.streams["frames"]:
        start, _, end = entry["frame"]["id"].partition(":")[2].partition(">")
        if start.endswith(source) and end.endswith(target):
            entry["frame"]["samples"] = [{**s, "reply": {**s["reply"], "peer": address}} for s in entry["frame"]["samples"]]
    return made


def _plans(settings: Settings, known: Inventory) -> dict[Any, CellPlan]:
    demand = Demand(settings, known)
    cases = [case for id in demand.matrix.requirements() for case in demand.cases(id, "cell")]
    return {plan.probe: plan for plan in reversed(demand.asked(cases))}.values()


def _frame(plan: CellPlan, known: Inventory, made: Recording) -> dict[str, Any]:
    documented = plan.documented
    outcome = "reached" if "reached" in documented.outcomes else min(documented.outcomes)
    until = plan.until
    servers = (
        [f"pod/a@{node}" for node in known.names] if until or plan.probe.target.kind is EndpointKind.SERVICE else [str(plan.probe.target)]
    )
    if plan.documented.servers == "source":
        servers = [str(plan.probe.source)]
    judged = max(plan.samples, len(servers))
    samples = [_sample(plan, servers[number % len(servers)], number, outcome, known, made) for number in range(judged)]
    request = {"id": str(plan.probe), "action": str(plan.probe.action), "samples": judged, **({"until": until} if until else {})}
    request["address"] = _address(plan.probe.target, known, made)
    return {"kind": "result", "run": RUN, "id": str(plan.probe), "request": request, "samples": samples}


def _address(target: Endpoint, known: Inventory, made: Recording) -> str:
    match target.kind:
        case EndpointKind.POD | EndpointKind.HOST:
            return {entry["endpoint"]: entry["ip"] for entry in made.streams["fleet"]}.get(str(target), "")
        case EndpointKind.NODE_PORT:
            return known.node(target.node).ip
        case EndpointKind.LOOPBACK:
            return "127.0.0.1"
    return target.name.rpartition("/")[2].rpartition(":")[0] or "10.96.0.7"


def _sample(plan: CellPlan, server: str, number: int, outcome: str, known: Inventory, made: Recording) -> dict[str, Any]:
    reply = {
        "run": RUN,
        "nonce": f"n{number}",
        "server": server,
        "peer": _peer(plan, known, made),
        "peer_port": 4711,
        "ttl": _ttl(plan),
        "mss": 1410,
        "local": _address(plan.probe.target, known, made),
    }
    if plan.probe.action is Action.TLS:
        reply |= {"sans": ["kubernetes.default.svc"], "issuer": "CN=kubernetes"}
    reply = reply if outcome == "reached" else {}
    return {"n": number, "warmup": False, "outcome": outcome, "seconds": 0.001, "nonce": f"n{number}", "reply": reply, "detail": {}}


def _ttl(plan: CellPlan) -> int:
    return plan.documented.ttl or (63 if plan.probe.action is Action.ICMP else 64)


def _peer(plan: CellPlan, known: Inventory, made: Recording) -> str:
    source, target = plan.probe.source, plan.probe.target
    own = {entry["endpoint"]: entry["ip"] for entry in made.streams["fleet"]}.get(str(source), "192.0.2.9")
    outside = target.kind in (EndpointKind.HOST, EndpointKind.OUTSIDE) and source.kind is EndpointKind.POD and target.node != source.node
    if source.kind is EndpointKind.HOST and target.kind is EndpointKind.POD and target.node != source.node:
        return known.node(source.node).pod_cidrs[0].partition("/")[0]
    own_pod = source.kind is EndpointKind.HOST and target.kind is EndpointKind.POD and target.node == source.node
    if own_pod or target == Endpoint(EndpointKind.SERVICE, "self"):
        return known.node(source.node).pod_cidrs[0].replace(".0/24", ".1")
    return known.node(source.node).ip if outside else own


def _node_ip(number: int) -> str:
    return f"172.30.0.{11 + number}"


def _objects(nodes: tuple[str, ...]) -> dict[str, Any]:
    flannel = {"name": "kube-flannel", "image": "flannel:v0.28.10", "args": ["--ip-masq"]}
    template = {"spec": {"template": {"spec": {"containers": [flannel]}}}, "metadata": {"name": "kube-flannel-ds"}}
    coredns = {
        "spec": {"template": {"spec": {"containers": [{"name": "coredns", "image": "coredns:1.13"}]}}},
        "metadata": {"name": "coredns"},
    }
    net_conf = {"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}
    return {
        "version": {"gitVersion": "v1.36.2"},
        "namespace/kube-system": {"metadata": {"name": "kube-system", "uid": "uid-1"}},
        "nodes": {"items": [_node(number, name) for number, name in enumerate(nodes)]},
        "daemonsets/kube-system": {"items": [{"metadata": {"name": "kube-proxy"}, "spec": {"template": {"spec": {"containers": []}}}}]},
        "daemonsets/kube-flannel": {"items": [template]},
        "deployments/kube-system": {"items": [coredns]},
        "configmap/kube-system/kube-proxy": {"data": {"config.conf": "mode: iptables\n"}},
        "configmap/kube-system/kubeadm-config": {
            "data": {"ClusterConfiguration": "networking: {podSubnet: 10.244.0.0/16, dnsDomain: cluster.local}\n"}
        },
        "configmap/kube-flannel/kube-flannel-cfg": {"data": {"net-conf.json": json.dumps(net_conf)}},
        "services": {"items": [_service("default", "kubernetes", "10.96.0.1"), _service("kube-system", "kube-dns", "10.96.0.10")]},
        "endpointslices": {"items": [_api_endpoints()]},
    }


def _api_endpoints() -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": "kubernetes"}
    endpoints = [{"addresses": [_node_ip(0)], "conditions": {"ready": True}}]
    return {"metadata": {"namespace": "default", "name": "kubernetes", "labels": labels}, "ports": [{"port": 6443}], "endpoints": endpoints}


def _service(namespace: str, name: str, address: str) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"clusterIP": address, "clusterIPs": [address]}}


def _node(number: int, name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {}, "annotations": {}},
        "spec": {"podCIDRs": [f"10.244.{number}.0/24"]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": _node_ip(number)}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"operatingSystem": "linux", "kubeletVersion": "v1.36.2", "containerRuntimeVersion": "containerd://2.0"},
        },
    }
