"""A healthy three-node flannel cluster as its agents would record it, written down by hand: every address is a literal."""

from __future__ import annotations

import base64
import functools
import importlib.util
import inspect
from pathlib import Path
from unittest import mock

import dns.message
import dns.rrset
import pytest

import pytest_k8snet
from pytest_k8snet.evidence.cells import CellEvidence
from pytest_k8snet.model.endpoint import Endpoint
from pytest_k8snet.model.endpoint import EndpointKind as Kind
from pytest_k8snet.model.inventory import Inventory, Node
from pytest_k8snet.model.probe import Action, Family
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan import matrix
from pytest_k8snet.plan.available import available

SUITE = Path(__file__).resolve().parents[3] / "conformance"
NODES = {"n1": "172.30.0.11", "n2": "172.30.0.12", "n3": "172.30.0.13"}
POD = {f"pod/{role}@n{i}": f"10.4.{i}.{host}" for i in (1, 2, 3) for role, host in (("a", 7), ("b", 8))}
ADDRESS = POD | {f"host@{name}": ip for name, ip in NODES.items()} | {"outside/runner": "198.51.100.9"}
SERVERS = {"dns@n1": "10.4.1.2", "dns@n2": "10.4.2.2"}
BRIDGE = {f"n{i}": f"10.4.{i}.1" for i in (1, 2, 3)}
TUNNEL = {f"n{i}": f"10.4.{i}.0" for i in (1, 2, 3)}
RUN = "r1"
KUBERNETES = {"metadata": {"namespace": "default", "name": "kubernetes"}, "spec": {"clusterIP": "10.96.0.1"}}
NAME = "kubernetes.default.svc.cluster.local."


def inventory():
    nodes = tuple(
        Node(name, (ip,), (f"10.4.{name[1]}.0/24",), True, True, False, "linux", "v1.36.2", "containerd://2") for name, ip in NODES.items()
    )
    return Inventory(
        "lab", "u", "v1.36.2", nodes, (Family.IPV4,), "cluster.local", "10.96.0.10", "coredns", "iptables", "flannel", "vxlan", "0.28.10",
        True, False, "kubeadm", "10.4.0.0/16", ("172.30.0.11:6443",), {Endpoint.parse(name): ip for name, ip in SERVERS.items()},
    )  # fmt: skip


class World:
    """The cells of the matrix and the frames of a healthy run, to be broken by tests."""

    def __init__(self, settings=None, matrix_path=SUITE / "matrix.yaml"):
        self.inventory = inventory()
        self.matrix = load_matrix(matrix_path)
        reach = available(self.inventory, settings or Settings())
        self.plans = {i: self.matrix.cells(i, self.inventory, reach) for i in self.matrix.requirements() if i not in IPV6}
        self.recording = Recording({"run_id": RUN})
        for name, ip in ADDRESS.items():
            if name != "outside/runner":
                self.recording.append(
                    "fleet", {"endpoint": name, "namespace": "x", "pod": "p", "ip": ip, "tier": "restricted", "problem": ""}
                )
        asked = {}
        for plan in (plan for plans in self.plans.values() for plan in plans):
            asked |= {probe: 1 for probe in plan.controls if probe not in asked}
            asked[plan.probe] = max(asked.get(plan.probe, 1), plan.until or 1)
        self.frames = {str(probe): frame(probe, until, seq) for seq, (probe, until) in enumerate(asked.items())}
        self.recording.append("objects", {"name": "services", "status": 200, "body": {"items": [KUBERNETES]}})
        for probe in asked:
            self.recording.append("frames", {"source": str(probe.source), "frame": self.frames[str(probe)]})

    def judge(self, requirement, number=0):
        """Status and message of one cell, by the suite's own test function."""
        return self.judge_plan(self.plans[requirement][number])

    def judge_plan(self, plan):
        try:
            cell = CellEvidence(self.recording, self.inventory).cell(plan)
        except Inconclusive as reason:
            return "inconclusive", str(reason)
        try:
            suite_functions()[plan.requirement](cell)
        except AssertionError as finding:
            return "failed", str(finding).partition("\nassert")[0]
        return "passed", ""

    def samples(self, requirement, number=0):
        return self.frames[str(self.plans[requirement][number].probe)]["samples"]

    def alter(self, requirement, number=0, **fields):
        """Change every judged sample of a cell; a field `reply_x` changes x of the reply."""
        for sample in self.samples(requirement, number):
            if not sample["warmup"]:
                alter(sample, **fields)

    def drop_frames(self, requirement, number=0):
        frame = self.frames[str(self.plans[requirement][number].probe)]
        self.recording.streams["frames"] = [e for e in self.recording.streams["frames"] if e["frame"] is not frame]
        return frame


def alter(sample, **fields):
    for name, value in fields.items():
        if name.startswith("reply_"):
            sample["reply"][name.removeprefix("reply_")] = value
        else:
            sample[name] = value
    if fields.get("outcome", "reached") not in ("reached", "wrong-peer"):
        sample["reply"] = {}


def frame(probe, until, seq):
    """A result frame as the agent at `probe.source` sends it."""
    ip, port = destination(probe)
    request = {"id": str(probe), "action": str(probe.action), "address": ip, "port": port, "samples": samples_of(probe),
               "warmup": 1, "timeout": 1.0, "nonce": f"{seq:012x}"}  # fmt: skip
    if probe.action is Action.QUERY:
        request |= {"name": NAME, "type": "A"}
    if until > 1:
        request |= {"until": until, "max": 30 * until}
    samples = [sample(probe, request, n) for n in range(samples_of(probe) + 1)]
    return {"run": RUN, "seq": seq, "kind": "result", "id": str(probe), "request": request, "mtu": 1450, "samples": samples}


def samples_of(probe):
    if probe.action is Action.TRACE:
        return 1
    if probe.action is Action.BULK:
        return 2 if probe.target.kind in (Kind.SERVICE, Kind.NODE_PORT) else 1
    return 3


def sample(probe, request, n):
    nonce = f"{request['nonce']}{n:02x}"
    outcome = ending(probe)
    reply = answer(probe, nonce, n) if outcome == "reached" else {}
    detail = {"resolved": ["10.96.7.7"]} if probe.detail == "by-name" else {}
    if probe.action is Action.QUERY:
        detail = {"wire": wire("10.96.0.1")}
    if probe.action is Action.TRACE:
        detail = {"hops": [BRIDGE[probe.source.node], TUNNEL[probe.target.node], destination(probe)[0]]}
    return {"n": n, "warmup": n == 0, "outcome": outcome, "seconds": 0.004, "nonce": nonce, "reply": reply, "detail": detail}


def wire(*addresses, name=NAME):
    """A DNS reply as it came, in base64."""
    reply = dns.message.make_response(dns.message.make_query(name, "A"))
    reply.answer = [dns.rrset.from_text(name, 30, "IN", "A", *addresses)] if addresses else []
    return base64.b64encode(reply.to_wire()).decode()


def ending(probe):
    if probe.target.name == "empty":
        return "refused"
    if probe.detail == "df-over":
        return "too-big"
    unused = probe.target.kind is Kind.SERVICE and (probe.action is Action.ICMP or probe.detail == "other-port")
    return "timeout" if unused or (probe.source.kind is Kind.OUTSIDE and probe.target.kind is Kind.POD) else "reached"


def answer(probe, nonce, n):
    if probe.action is Action.TLS:
        return {"status": 401, "sans": ["kubernetes.default.svc"], "issuer": "kubernetes"}
    if probe.action is Action.ICMP:
        return {"ttl": ttl(probe), "from": destination(probe)[0]}
    if "://" in probe.target.name:
        return {}
    return {"run": RUN, "nonce": nonce, "server": server(probe, n), "action": str(probe.action), "peer": peer(probe), "peer_port": 40000,
            "local": destination(probe)[0], "ttl": 63, "mss": 1410}  # fmt: skip


def server(probe, n):
    if probe.target.name == "self":
        return str(probe.source)
    if probe.target.kind in (Kind.SERVICE, Kind.NODE_PORT) or probe.target.name == "web":
        return f"pod/a@n{n % 3 + 1}"
    return str(probe.target)


def peer(probe):
    """The source address as it arrives, by the table of the network model."""
    source, target = probe.source, probe.target
    if target.name == "self":
        return BRIDGE[source.node]
    if target.kind is Kind.NODE_PORT:
        return TUNNEL[target.node]
    if source.kind is Kind.HOST and target.kind is Kind.POD:
        return (BRIDGE if source.node == target.node else TUNNEL)[source.node]
    away = target.kind is Kind.OUTSIDE or (target.kind is Kind.HOST and target.node != source.node)
    if source.kind is Kind.POD and away:
        return NODES[source.node]
    return "127.0.0.1" if target.kind is Kind.LOOPBACK else ADDRESS[str(source)]


def ttl(probe):
    if probe.source.node == probe.target.node:
        return 64
    return 62 if probe.source.kind is probe.target.kind is Kind.POD else 63


def destination(probe):
    target = probe.target
    if str(target) in ADDRESS:
        return ADDRESS[str(target)], 17801 if target.kind is Kind.HOST else 7801
    if str(target) in SERVERS or target.name == "kube-dns":
        return SERVERS.get(str(target), "10.96.0.10"), 53
    if target.kind is Kind.NODE_PORT:
        return NODES[target.node], 30080
    if ":" in target.name:  # an endpoint of the API server, or a declared target
        host, _, port = target.name.rpartition("/")[2].rpartition(":")
        return host, int(port)
    return ("127.0.0.1", 7802) if target.kind is Kind.LOOPBACK else ("10.96.7.7", 80)


@functools.cache
def load_matrix(path):
    return matrix.load(path)


@functools.cache
def suite_functions():
    """Requirement id -> test function, over all files of the suite that judge cells."""
    found = {}
    for path in sorted(SUITE.glob("*/test_*.py")):
        for requirement, function in functions_of(path):
            assert requirement not in found, f"{requirement} has two test functions"
            found[requirement] = function
    return found


def functions_of(path):
    named = []

    def requirement(name):
        return lambda function: named.append((name, function)) or function

    spec = importlib.util.spec_from_file_location(f"suite_{path.stem}", path)
    with mock.patch.object(pytest_k8snet, "requirement", requirement, create=True):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return [(name, function) for name, function in named if list(inspect.signature(function).parameters) == ["cell"]]


IPV6 = ("NET-IPV6-003", "NET-IPV6-008")  # this world has no IPv6: the recording of a dual-stack cluster proves them
IDS = tuple(id for id in load_matrix(SUITE / "matrix.yaml").requirements() if id not in IPV6)
any_cell = pytest.mark.parametrize("requirement", IDS)
