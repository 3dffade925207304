"""One pod's resolver: its file by policy, its answers by effect."""

import pytest
from evidence_world import WORKER1

from pytest_k8snet.evidence.resolver import REFUSAL, ResolverEvidence
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.resolver import load, plans

ROWS = load(
    [
        {"requirement": "NET-DNS-006", "pods": ["pod/a"], "policy": "ClusterFirst",
         "answers": {"cluster": "kubernetes", "short": "web", "external": "external"}},
        {"requirement": "NET-DNS-007", "pods": ["host"], "policy": "Default", "answers": {"cluster": "unknown"}},
        {"requirement": "NET-DNS-008", "pods": ["pod/default"], "policy": "Default",
         "answers": {"cluster": "unknown", "external": "external"}},
        {"requirement": "NET-DNS-009", "pods": ["pod/default"], "policy": "Default", "answers": {"cluster": "unknown"}},
        {"requirement": "NET-DNS-010", "pods": ["pod/none"], "policy": "None", "answers": {"private": "private", "cluster": "unknown"}},
        {"requirement": "NET-DNS-027", "pods": ["pod/a"], "queries": {"udp-big": "truncated", "tcp-big": "big"}},
        {"requirement": "NET-DNS-031", "pods": ["pod/a"], "answers": {"external-absolute": "external"}},
    ]
)  # fmt: skip
FILE = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
CLUSTER = "kubernetes.default.svc.cluster.local."
ROLES = frozenset({"a", "b", "default", "none", "hostdns", "host"})


class Pod:
    """The resolver of one pod on worker1 with hand-made answers."""

    def __init__(self, world, requirement, role, file=FILE):
        self.world, self.requirement, self.role = world, requirement, role
        self.endpoint = f"host@{WORKER1}" if role == "host" else f"pod/{role}@{WORKER1}"
        fleet = {"endpoint": self.endpoint, "namespace": "shop", "pod": "p", "ip": "10.244.1.9", "tier": "restricted", "problem": ""}
        world.recording.append("fleet", fleet)
        fact = {"node": WORKER1, "phase": "after", "name": f"resolv.conf/{role}", "source": "/etc/resolv.conf", "ok": True}
        world.recording.append("facts", {**fact, "code": 0, "text": file, "error": ""})
        world.recording.append("events", {"what": "service", "name": "web", "cluster_ip": "10.96.4.4", "namespace": "shop"})

    def answer(self, detail, outcome, *addresses, action="resolve", target="resolver", source="", name=CLUSTER, **more):
        source = source or self.endpoint
        probe = f"{action}4+{detail}:{source}>{target}"
        frames = self.world.recording.streams["frames"]
        frames[:] = [entry for entry in frames if entry["frame"]["id"] != probe]
        messages = [{"server": "10.96.0.10", "qname": qname, "transport": "udp"} for qname in more.pop("asked", [name])]
        sample = {"n": 0, "warmup": False, "outcome": outcome, "seconds": 0.1, "nonce": "", "reply": {"answers": list(addresses), **more}}
        request = {"name": name, "action": action, "samples": 1}
        frame = {"kind": "result", "id": probe, "request": request, "run": more.pop("run", "dev")}
        warmup = {**sample, "warmup": True, "outcome": "timeout"}
        samples = [warmup, {**sample, "detail": {"messages": messages}}]
        self.world.recording.append("frames", {"source": source, "frame": {**frame, "samples": samples}})
        return self

    def both(self, question, outcome, *addresses, **more):
        for transport in ("udp", "tcp"):
            self.answer(f"{transport}-{question}", outcome, *addresses, **more)
        return self

    def not_asked(self, question, reason):
        for transport in ("udp", "tcp"):
            probe = f"resolve4+{transport}-{question}:{self.endpoint}>resolver"
            self.world.recording.append("events", {"what": "not-asked", "probe": probe, "reason": reason})
        return self

    @property
    def evidence(self):
        inventory = self.world.inventory
        found = [plan for plan in plans(ROWS, self.requirement, inventory, ROLES) if plan.node == WORKER1]
        assert len(found) == 1
        return ResolverEvidence(self.world.recording, inventory, found[0])


@pytest.fixture
def a(world):
    pod = Pod(world, "NET-DNS-006", "a").both("cluster", "reached", "10.96.0.1").both("short", "reached", "10.96.4.4")
    return pod.not_asked("external", "'external'")


def test_cluster_first(a):
    assert a.evidence.file == a.evidence.expected_file, a.evidence.explain("file")
    assert a.evidence.answers == a.evidence.expected_answers, a.evidence.explain("answers")
    assert len(a.evidence.answers) == 4


def test_evidence_names_the_probe(a):
    evidence = a.evidence
    evidence.answers  # noqa: B018
    assert {"kind": "frame", "probe": f"resolve4+udp-cluster:pod/a@{WORKER1}>resolver", "outcome": "reached timeout"} in evidence.evidence


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("10.96.0.10", "10.96.0.99", "nameserver: expected 10.96.0.10, found 10.96.0.99"),
        ("10.96.0.10\n", "10.96.0.10\nnameserver 9.9.9.9\n", "nameserver: expected 10.96.0.10, found 10.96.0.10 9.9.9.9"),
        ("shop.svc", "other.svc", "search: expected shop.svc.cluster.local"),
        ("svc.cluster.local cluster.local", "cluster.local svc.cluster.local", "search: expected shop.svc.cluster.local svc.cluster.local"),
        ("ndots:5", "ndots:1", "options: expected ndots:5, found ndots:1"),
        ("ndots:5", "ndots:5 edns0", "options: expected ndots:5, found edns0 ndots:5"),
    ],
)
def test_file_differs(world, old, new, words):
    pod = Pod(world, "NET-DNS-006", "a", FILE.replace(old, new))
    assert pod.evidence.file != pod.evidence.expected_file
    text = pod.evidence.explain("file")
    assert text.startswith("pod/a@k8snet-worker1: /etc/resolv.conf, content of dnsPolicy ClusterFirst (kubelet: clusterDNS 10.96.0.10, ")
    assert words in text


def test_keywords_may_stand_in_any_order(world):
    pod = Pod(world, "NET-DNS-006", "a", "\n".join(reversed(FILE.splitlines())))
    assert pod.evidence.file == pod.evidence.expected_file


def test_expected_file_follows_kubelets_own_configuration(world):
    world.object(f"configz/{WORKER1}")["kubeletconfig"].update(clusterDNS=["10.1.1.1"], clusterDomain="corp.test")
    world.write("resolv.conf", "nameserver 9.9.9.9\nsearch lan\noptions rotate\n")
    pod = Pod(world, "NET-DNS-006", "a", "search shop.svc.corp.test svc.corp.test corp.test lan\nnameserver 10.1.1.1\noptions ndots:5\n")
    assert pod.evidence.file == pod.evidence.expected_file


@pytest.mark.parametrize(
    ("outcome", "addresses", "found"),
    [
        ("reached", ("10.96.0.2",), "found 10.96.0.2"),
        ("reached", ("10.96.0.1", "10.96.0.2"), "found 10.96.0.1, 10.96.0.2"),
        ("timeout", (), "found timeout"),
        ("name-error", (), "found name-error"),
    ],
)
def test_wrong_answer(a, outcome, addresses, found):
    a.answer("tcp-cluster", outcome, *addresses)
    text = a.evidence.explain("answers")
    assert f"tcp-cluster: expected 10.96.0.1, {found}" in text
    assert "(question kubernetes.default.svc.cluster.local. to 10.96.0.10)" in text
    assert "udp-cluster" not in text


def test_a_question_that_was_not_observed_is_unknown(world):
    pod = Pod(world, "NET-DNS-006", "a").both("cluster", "reached", "10.96.0.1")
    with pytest.raises(Inconclusive, match="not observed: the recording holds no answer of pod/a@k8snet-worker1 about resolve"):
        pod.evidence.comparison("answers")
    pod.not_asked("short", "no address")
    with pytest.raises(Inconclusive, match="not observed: no address"):
        pod.evidence.comparison("answers")


def test_an_agent_that_could_not_ask_is_unknown(a):
    a.answer("udp-cluster", "probe-error")
    with pytest.raises(Inconclusive, match="could not try"):
        a.evidence.comparison("answers")


def test_external_names_are_judged_only_when_declared(a):
    a.world.recording.streams["events"] = [e for e in a.world.recording.streams["events"] if e["what"] != "not-asked"]
    with pytest.raises(Inconclusive, match="not observed"):
        a.evidence.comparison("answers")
    a.both("external", "name-failure", rcode="SERVFAIL")
    assert "udp-external: expected an address, found name-failure (SERVFAIL)" in a.evidence.explain("answers")
    a.both("external", "reached", "203.0.113.1")
    assert a.evidence.answers == a.evidence.expected_answers


def test_default_follows_the_nodes_file(world):
    pod = Pod(world, "NET-DNS-009", "default", "nameserver 198.51.100.53\n").both("cluster", "name-error", rcode="NXDOMAIN")
    assert pod.evidence.file == pod.evidence.expected_file, pod.evidence.explain("file")
    assert pod.evidence.answers == pod.evidence.expected_answers


def test_default_may_know_cluster_names_if_its_servers_do(world):
    pod = Pod(world, "NET-DNS-009", "default", "nameserver 198.51.100.53\n").both("cluster", "reached", "10.96.0.1")
    assert pod.evidence.answers == pod.evidence.expected_answers


def test_default_with_a_loopback_server_fails_by_effect(world):
    world.write("resolv.conf", "nameserver 127.0.0.1\n")
    pod = Pod(world, "NET-DNS-009", "default", "nameserver 127.0.0.1\n").both("cluster", "refused")
    assert pod.evidence.file == pod.evidence.expected_file
    assert "udp-cluster: expected an answer of its servers, found refused" in pod.evidence.explain("answers")


def test_default_with_a_silent_loopback_server_fails_too(world):
    world.write("resolv.conf", "nameserver 127.0.0.1\n")
    pod = Pod(world, "NET-DNS-009", "default", "nameserver 127.0.0.1\n").both("cluster", "timeout")
    assert pod.evidence.answers != pod.evidence.expected_answers


def test_default_whose_servers_answer_the_node_only_fails(world):
    pod = Pod(world, "NET-DNS-009", "default", "nameserver 198.51.100.53\n").both("cluster", "timeout")
    pod.both("cluster", "name-error", source=f"host@{WORKER1}")
    assert "found timeout" in pod.evidence.explain("answers")


def test_default_whose_servers_answer_nobody_is_unknown(world):
    pod = Pod(world, "NET-DNS-009", "default", "nameserver 198.51.100.53\n").both("cluster", "timeout")
    pod.both("cluster", "timeout", source=f"host@{WORKER1}")
    with pytest.raises(Inconclusive, match=r"the node's own servers \(198.51.100.53\) answer neither the pod nor the node"):
        pod.evidence.comparison("answers")


def test_default_fails_on_silence_when_an_external_name_was_declared(world):
    pod = Pod(world, "NET-DNS-008", "default", "nameserver 198.51.100.53\n").both("cluster", "timeout").both("external", "timeout")
    assert pod.evidence.answers != pod.evidence.expected_answers


def test_samples_that_differ_are_all_told(a):
    a.answer("tcp-cluster", "reached", "10.96.0.1")
    frame = a.world.recording.streams["frames"][-1]["frame"]
    frame["samples"].append({**frame["samples"][-1], "outcome": "timeout"})
    assert "tcp-cluster: expected 10.96.0.1, found frozenset" not in a.evidence.explain("answers")
    assert "tcp-cluster: expected 10.96.0.1, found 10.96.0.1 / timeout" in a.evidence.explain("answers")


def test_host_network_pod_is_its_own_witness(world):
    pod = Pod(world, "NET-DNS-007", "host", "nameserver 198.51.100.53\n").both("cluster", "timeout")
    with pytest.raises(Inconclusive, match="answer neither the pod nor the node"):
        pod.evidence.comparison("answers")


def test_none_uses_only_its_own(world):
    pod = Pod(world, "NET-DNS-010", "none", "search k8snet.test\nnameserver 127.0.0.1\noptions ndots:2\n")
    pod.both("private", "reached", "192.0.2.53").both("cluster", "name-error")
    assert pod.evidence.file == pod.evidence.expected_file
    assert pod.evidence.answers == pod.evidence.expected_answers


@pytest.mark.parametrize(
    ("outcome", "addresses", "right"),
    [("name-error", (), True), ("reached", ("10.96.0.1",), False), ("timeout", (), False), ("refused", (), False)],
)
def test_none_does_not_know_the_cluster(world, outcome, addresses, right):
    pod = Pod(world, "NET-DNS-010", "none").both("private", "reached", "192.0.2.53").both("cluster", outcome, *addresses)
    assert (pod.evidence.answers == pod.evidence.expected_answers) is right


@pytest.mark.parametrize(
    ("status", "message", "right"),
    [(422, "invalid: spec.dnsConfig.nameservers: Required value", True), (422, "spec.containers: Required value", False), (201, "", False)],
)
def test_api_refuses_a_pod_without_nameserver(world, status, message, right):
    pod = Pod(world, "NET-DNS-010", "none")
    world.recording.append("objects", {"name": REFUSAL, "status": status, "body": {"message": message}})
    assert (pod.evidence.refusal == pod.evidence.expected_refusal) is right
    if not right:
        assert f"found answered {status}" in pod.evidence.explain("refusal")


@pytest.mark.parametrize("status", [None, 0, 403])
def test_refusal_that_was_not_tried_is_unknown(world, status):
    pod = Pod(world, "NET-DNS-010", "none")
    if status is not None:
        world.recording.append("objects", {"name": REFUSAL, "status": status, "body": {"message": "forbidden"}})
    with pytest.raises(Inconclusive, match="is not known"):
        pod.evidence.comparison("refusal")


def test_truncation(world):
    addresses = [f"192.0.2.{i}" for i in range(1, 41)]
    labels = {"kubernetes.io/service-name": "big"}
    piece = {"metadata": {"name": "big-1", "namespace": "shop", "labels": labels}, "endpoints": [{"addresses": [a]} for a in addresses]}
    world.object("endpointslices")["items"].append(piece)
    pod = Pod(world, "NET-DNS-027", "a")
    world.recording.append("events", {"what": "service", "name": "big", "cluster_ip": "None", "namespace": "shop"})
    to_dns = {"action": "query", "target": "service/kube-dns"}
    pod.answer("udp-big", "truncated", **to_dns).answer("tcp-big", "reached", *addresses, **to_dns)
    assert pod.evidence.answers == pod.evidence.expected_answers, pod.evidence.explain("answers")
    pod.answer("tcp-big", "timeout", **to_dns)
    assert "tcp-big: expected 192.0.2.1, " in pod.evidence.explain("answers")
    pod.answer("udp-big", "reached", *addresses[:30], **to_dns)
    assert "udp-big: expected truncated, found 192.0.2.1, " in pod.evidence.explain("answers")


def test_absolute_name_costs_one_question(world):
    pod = Pod(world, "NET-DNS-031", "a").both("external-absolute", "reached", "203.0.113.1", name="www.example.test.")
    assert pod.evidence.answers == pod.evidence.expected_answers
    asked = ["www.example.test.cluster.local.", "www.example.test."]
    pod.both("external-absolute", "reached", "203.0.113.1", name="www.example.test.", asked=asked)
    text = pod.evidence.explain("answers")
    assert "udp-external-absolute, names asked: expected www.example.test, found www.example.test, www.example.test.cluster.local" in text


def test_an_answer_of_another_run_does_not_count(a):
    a.answer("udp-cluster", "reached", "10.96.0.1", run="other")
    with pytest.raises(Inconclusive, match="not observed"):
        a.evidence.comparison("answers")
