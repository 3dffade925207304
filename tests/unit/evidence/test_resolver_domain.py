"""One domain everywhere: who knows another one is named."""

import base64

import dns.message
import dns.rcode
import dns.rrset
import pytest
from evidence_world import WORKER1
from object_world import kubeadm, refuse
from test_resolver_evidence import FILE, Pod

from pytest_k8snet.evidence.resolver import ResolverEvidence
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.resolver import load, plans

ROW = {"requirement": "NET-DNS-005", "pods": ["pod/a"], "queries": {"udp-kubernetes-ptr": "records", "udp-web-srv-tcp": "records"}}
PTR = ("1.0.96.10.in-addr.arpa.", "PTR")
SRV = ("_tcp._tcp.web.shop.svc.cluster.local.", "SRV")
KUBERNETES, WEB = "kubernetes.default.svc.cluster.local.", "0 100 80 web.shop.svc.cluster.local."
COREDNS = "configmap/kube-system/coredns"


def wire(name, kind, *records, rcode=dns.rcode.NOERROR):
    reply = dns.message.make_response(dns.message.make_query(name, kind))
    reply.set_rcode(rcode)
    reply.answer = [dns.rrset.from_text(name, 30, "IN", kind, *records)] if records else []
    return base64.b64encode(reply.to_wire()).decode()


class Asked(Pod):
    """Pod a with its two questions."""

    def told(self, detail, name, message, outcome="reached"):
        probe = f"query4+{detail}:{self.endpoint}>service/kube-dns"
        frames = self.world.recording.streams["frames"]
        frames[:] = [entry for entry in frames if entry["frame"]["id"] != probe]
        sample = {"n": 0, "warmup": False, "outcome": outcome, "seconds": 0.1, "nonce": "", "reply": {}, "detail": {"wire": message}}
        frame = {"kind": "result", "id": probe, "request": {"name": name, "action": "query"}, "run": "dev", "samples": [sample]}
        self.world.recording.append("frames", {"source": self.endpoint, "frame": frame})
        return self

    def domains(self):
        (plan,) = [plan for plan in plans(load([ROW]), "NET-DNS-005", self.world.inventory, {"a"}) if plan.node == WORKER1]
        return ResolverEvidence(self.world.recording, self.world.inventory, plan)


@pytest.fixture
def asked(world):
    return asked_with(world, FILE)


def asked_with(world, file):
    pod = Asked(world, "NET-DNS-005", "a", file)
    return pod.told("udp-kubernetes-ptr", PTR[0], wire(*PTR, KUBERNETES)).told("udp-web-srv-tcp", SRV[0], wire(*SRV, WEB))


def _differences(pod):
    return pod.domains().comparison("domains").differences


def test_all_agree(asked):
    comparison = asked.domains().comparison("domains")
    assert comparison.differences == ()
    assert set(comparison.actual.values()) == {"cluster.local"}
    assert len(comparison.actual) == 6


def test_kubelet_has_another_domain(asked):
    asked.world.object(f"configz/{WORKER1}")["kubeletconfig"]["clusterDomain"] = "corp.test"
    assert asked.domains().explain("domains") == (
        f"pod/a@{WORKER1}: domain of the cluster\n  kubelet clusterDomain: expected cluster.local, found corp.test"
    )


def test_kubeadm_has_another_domain(asked):
    kubeadm(asked.world, "dnsDomain: cluster.local", "dnsDomain: corp.test")
    assert len(_differences(asked)) == 5


@pytest.mark.parametrize("new", ["kubernetes corp.test", "kubernetes in-addr.arpa"])
def test_coredns_serves_another_zone(asked, new):
    data = asked.world.object(COREDNS)["data"]
    data["Corefile"] = data["Corefile"].replace("kubernetes cluster.local", new)
    (difference,) = _differences(asked)
    assert difference.startswith("kubernetes zone of the Corefile: expected cluster.local, found ")


def test_coredns_serves_one_more_zone(asked):
    data = asked.world.object(COREDNS)["data"]
    data["Corefile"] = data["Corefile"].replace("kubernetes cluster.local", "kubernetes corp.test cluster.local.")
    assert _differences(asked) == ()


def test_the_zones_of_the_block(asked):
    asked.world.object(COREDNS)["data"]["Corefile"] = "corp.test:53 {\n    kubernetes\n}\n"
    assert _differences(asked) == ("kubernetes zone of the Corefile: expected cluster.local, found corp.test",)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("search shop.svc.corp.test svc.corp.test corp.test", "corp.test"),
        ("search lan", "no generated entries, but lan"),
        ("", "no generated entries, but no search list"),
        ("search shop.svc.cluster.local svc.cluster.local lan", "no generated entries, but shop.svc.cluster.local svc.cluster.local lan"),
    ],
)
def test_the_pods_file_has_another_domain(world, search, found):
    pod = asked_with(world, f"{search}\nnameserver 10.96.0.10\n")
    assert _differences(pod) == (f"search entry in the pod's file: expected cluster.local, found {found}",)


def test_entries_of_the_node_follow(world):
    pod = asked_with(world, FILE.replace("cluster.local\nname", "cluster.local lan example.test\nname"))
    assert _differences(pod) == ()


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (wire(*PTR, "kubernetes.default.svc.corp.test."), "corp.test"),
        (wire(*PTR, KUBERNETES, "kubernetes.default.svc.corp.test."), "cluster.local, corp.test"),
        (wire(*PTR, "api.example.test."), "no Service, api.example.test."),
        (wire(*PTR, rcode=dns.rcode.NXDOMAIN), "NXDOMAIN"),
        (wire(*PTR), "no record"),
    ],
)
def test_the_reverse_name_is_in_another_domain(asked, message, found):
    asked.told("udp-kubernetes-ptr", PTR[0], message)
    assert _differences(asked) == (f"records of {PTR[0]}: expected cluster.local, found {found}",)


def test_a_named_port_has_no_owner_in_this_domain(asked):
    asked.told("udp-web-srv-tcp", SRV[0], wire(*SRV, rcode=dns.rcode.NXDOMAIN), "name-error")
    assert _differences(asked) == (f"records of {SRV[0]}: expected cluster.local, found NXDOMAIN",)


@pytest.mark.parametrize(("message", "reason"), [("", "was not answered: timeout"), ("AAAA", "cannot be understood")])
def test_no_answer_is_no_domain(asked, message, reason):
    asked.told("udp-kubernetes-ptr", PTR[0], message, "timeout")
    with pytest.raises(Inconclusive, match=reason):
        asked.domains().comparison("domains")


def test_without_kubeadm_kubelet_tells_what_is_expected(asked):
    refuse(asked.world, "configmap/kube-system/kubeadm-config", 404, "not found")
    comparison = asked.domains().comparison("domains")
    assert comparison.differences == ()
    assert "kubeadm-config dnsDomain" not in comparison.expected


def test_another_dns_server_has_no_corefile(asked):
    refuse(asked.world, COREDNS, 404, "not found")
    assert "kubernetes zone of the Corefile" not in asked.domains().comparison("domains").expected


@pytest.mark.parametrize("name", ["configmap/kube-system/kubeadm-config", COREDNS, f"configz/{WORKER1}"])
def test_who_could_not_be_asked(asked, name):
    refuse(asked.world, name)
    with pytest.raises(Inconclusive, match="not read"):
        asked.domains().comparison("domains")
