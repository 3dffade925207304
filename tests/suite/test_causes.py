"""Spoilt evidence is traced to its cause: the right name, node and peer first; a healthy recording has none."""

from __future__ import annotations

import re

import pytest
from proofs.proof import reply
from proofs.records import answer, message


def _routes(evidence):
    evidence.json_fact("w1", "routes", lambda routes: [r for r in routes if r["dst"] != evidence.cidr("w2")])


def _fdb(evidence):
    peer = evidence.ip("w2")
    evidence.json_fact("w1", "fdb", lambda entries: [e for e in entries if e.get("dst") != peer])


def _neighbour(evidence):
    tunnel = evidence.cidr("w2").partition("/")[0]
    evidence.json_fact("w1", "neighbours", lambda entries: [e for e in entries if e["dst"] != tunnel])


def _network(evidence):
    evidence.object("configmap/kube-flannel/kube-flannel-cfg", _elsewhere)


def _elsewhere(body):
    body["data"]["net-conf.json"] = body["data"]["net-conf.json"].replace("10.244.0.0/16", "10.245.0.0/16")


def _unmasqueraded(evidence):
    evidence.fact("w1", "iptables", lambda text: re.sub(r"(?m)^\[\d+:\d+\] -A FLANNEL-POSTRTG .*\n", "", text))


def _shadowed(evidence):
    evidence.rule_before("w1", "-A FLANNEL-POSTRTG -s 10.244.0.0/16 -j RETURN", "FLANNEL-POSTRTG", "! -d 224.0.0.0/4", "MASQUERADE")


def _repair_rule(evidence):
    evidence.rule_before("w1", "-A POSTROUTING -s {cidr w1} -j MASQUERADE", "-A POSTROUTING", "FLANNEL-POSTRTG")


def _jump(evidence):
    evidence.delete_rule("w1", "-A PREROUTING", "KUBE-SERVICES")


def _tcp_dns(evidence):
    evidence.fact("w1", "iptables", lambda text: text + RAW)
    evidence.outcome("query4+tcp-cluster:pod/a@w1>service/kube-dns", "timeout")


RAW = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[9:540] -A PREROUTING -p tcp -m tcp --dport 53 -j DROP\nCOMMIT\n"

CASES = {
    "a route": (_routes, "overlay-route-wrong w1 w2"),
    "a forwarding entry": (_fdb, "overlay-fdb-wrong w1 w2"),
    "a neighbour": (_neighbour, "overlay-neighbour-wrong w1 w2"),
    "flannel's network": (_network, "flannel-network-mismatch"),
    "no masquerading": (_unmasqueraded, "masquerade-missing w1"),
    "a RETURN before it": (_shadowed, "masquerade-shadowed w1"),
    "the hand-made rule": (_repair_rule, "masquerade-catches-pods w1"),
    "the jump to the Service rules": (_jump, "service-jump-missing w1"),
    "forwarding": (lambda e: e.replace("w1", "ip-forward", "1", "0", phase="before"), "forwarding-off w1"),
    "the tunnel's MTU": (lambda e: e.json_fact("w1", "links", _small), "tunnel-mtu-wrong w1"),
    "flannel's pod": (lambda e: e.pod_on("pods/kube-flannel", ("app", "flannel"), "w1", _unready), "flannel-not-running w1"),
    "kube-proxy's pod": (lambda e: e.pod_on("pods/kube-system", ("k8s-app", "kube-proxy"), "w1", _unready), "kube-proxy-not-running w1"),
    "DNS over TCP": (_tcp_dns, "dns-tcp-stopped w1"),
    "a loopback server": (lambda e: e.fact("w1", "resolv.conf", lambda _text: "nameserver 127.0.0.53\n"), "resolver-file-loopback w1"),
}


def _small(links):
    for link in links:
        if link["ifname"] == "flannel.1":
            link["mtu"] = 1399


def _unready(pod):
    for condition in pod["status"]["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition["status"] = "False"


@pytest.mark.parametrize(("edit", "cause"), CASES.values(), ids=CASES)
def test_the_cause_is_named_first(edit, cause, evidence, judge):
    edit(evidence)
    judged = judge(evidence)
    assert judged.causes[:1] == [cause]
    first = judged.report["causes"][0]
    assert first["evidence"]
    assert first["remedy"]
    assert first["explains"]


def test_a_healthy_recording_has_no_cause(healthy):
    assert healthy.report["causes"] == []
    assert healthy.report["undiagnosed"] == ""


def test_a_wrong_answer_over_tcp_was_not_stopped(evidence, judge):
    """The server answers, with another address: nothing on the way drops what it says."""
    message("cluster", answer("192.0.2.1"), transport="tcp")(evidence)
    reply("query4+tcp-cluster:pod/a@w1>service/kube-dns", answers=["192.0.2.1"])(evidence)
    judged = judge(evidence)
    assert judged.requirements["NET-DNS-026"] == "failed"
    assert judged.causes == []


def test_what_a_deeper_cause_brings_about_is_no_cause_of_its_own(evidence, judge):
    _network(evidence)
    evidence.pod_on("pods/kube-flannel", ("app", "flannel"), "w1", _unready)
    assert judge(evidence).causes == ["flannel-network-mismatch"]


def test_two_causes_on_two_nodes_are_both_named(evidence, judge):
    _fdb(evidence)
    evidence.delete_rule("w2", "-A PREROUTING", "KUBE-SERVICES")
    assert set(judge(evidence).causes) == {"overlay-fdb-wrong w1 w2", "service-jump-missing w2"}
