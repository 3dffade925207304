"""kube-proxy's IPv6 rules of a real dual-stack node, as they are and damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_k8snet.evidence.node import NodeEvidence
from pytest_k8snet.evidence.proxy_ipv6 import COMPARISONS
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse.objects import inventory
from pytest_k8snet.plan.readers import names_for

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "recordings"
NODE = "k8snet-worker1"


class Dual:
    """The recording, to be damaged."""

    def __init__(self, name="healthy-dual"):
        self.recording = Recording.read(RECORDINGS / f"{name}.zip")
        self.inventory = inventory(self.recording)

    @property
    def node(self):
        return NodeEvidence(self.recording, self.inventory, NODE)

    def facts(self, name):
        return list(self.recording.entries("facts", node=NODE, name=name))

    def rules(self, change):
        for fact in self.facts("ip6tables"):
            fact["text"] = "\n".join(line for old in fact["text"].split("\n") for line in change(old))

    def without(self, *parts):
        self.rules(lambda line: [] if all(part in line for part in (" -A ", *parts)) else [line])

    def services(self, change):
        for entry in self.recording.entries("objects", name="services"):
            for item in entry["body"]["items"]:
                change(item)

    def configure(self, old, new):
        for entry in self.recording.entries("objects", name="configmap/kube-system/kube-proxy"):
            text = entry["body"]["data"]["config.conf"]
            assert old in text
            entry["body"]["data"]["config.conf"] = text.replace(old, new)


@pytest.fixture
def dual():
    return Dual()


def _differences(dual, name):
    return [line.strip() for line in dual.node.explain(name).split("\n")[1:]]


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_healthy_node(dual, name):
    comparison = dual.node.comparison(name)
    assert (comparison.differing, len(comparison.expected) >= 8) == ((), True)


def test_both_hooks_and_both_ends_are_looked_at(dual):
    words = "\n".join(dual.node.cluster_ips_ipv6)
    assert all(part in words for part in ("from pods > ", "from the node > ", "/empty [", "/web [", "]:80/tcp", "]:80/udp"))
    assert {"[::1]", "pod fd00"} <= {key[:5] if key[0] == "[" else key[:8] for key in dual.node.node_ports_ipv6}


def test_processes_of_the_node_do_not_reach_services(dual):
    dual.without("-A OUTPUT", "service portals")
    found = _differences(dual, "cluster_ips_ipv6")
    assert any(line.startswith("from the node > ") and "found not translated" in line for line in found)
    assert not [line for line in found if line.startswith("from pods > ") and "/web" in line]


def test_only_the_first_endpoint_is_chosen(dual):
    dual.rules(
        lambda line: [line.replace("-m statistic --mode random --probability", "-m comment --comment") if "/web:tcp ->" in line else line]
    )
    found = _differences(dual, "cluster_ips_ipv6")
    assert len(found) == 2
    assert all("/web [" in line and "]:80/tcp: expected [" in line for line in found)


def test_unmarked_packets_are_masqueraded(dual):
    dual.without("-A KUBE-POSTROUTING", "! --mark")
    assert [line.partition("mark 0x0: ")[2].partition(" (")[0] for line in _differences(dual, "node_ports_ipv6")] == [
        "expected kept, found masqueraded"
    ]


def test_node_ports_at_addresses_that_kube_proxy_is_not_told(dual):
    dual.configure("nodePortAddresses: null", 'nodePortAddresses: ["2001:db8::/32"]')
    assert any("expected not translated, found [" in line for line in _differences(dual, "node_ports_ipv6"))


def test_a_policy_for_traffic_inside_does_not_confine_node_ports(dual):
    dual.services(lambda item: item["spec"].update(internalTrafficPolicy="Local"))
    assert dual.node.comparison("node_ports_ipv6").differing == ()


def test_a_rule_that_nobody_can_judge_is_no_pass(dual):
    dual.rules(lambda line: [line, "[0:0] -A PREROUTING -m unheard-of --x y -j DNAT --to-destination [2001:db8::1]:1"]
               if line.startswith(":PREROUTING") else [line])  # fmt: skip
    with pytest.raises(Inconclusive, match=r"sample packets cannot be judged"):
        dual.node.comparison("cluster_ips_ipv6")


@pytest.mark.parametrize("fact", ["ip6tables", "legacy-tables6", "nft", "addresses", "routes"])
@pytest.mark.parametrize("name", COMPARISONS)
def test_what_was_not_read_is_no_pass(dual, name, fact):
    for entry in dual.facts(fact):
        entry.update(ok=False, text="", error="permission denied")
    with pytest.raises(Inconclusive, match=f"{fact} .* was not read: permission denied"):
        dual.node.comparison(name)


def test_without_endpoint_slices_nothing_passes(dual):
    dual.recording.streams["objects"] = [entry for entry in dual.recording.streams["objects"] if entry["name"] != "endpointslices"]
    with pytest.raises(Inconclusive, match="endpointslices were not read"):
        dual.node.comparison("cluster_ips_ipv6")


def test_without_services_there_is_nothing_to_judge(dual):
    dual.services(lambda item: item["spec"].update(clusterIPs=["10.96.0.1"]))
    with pytest.raises(Inconclusive, match="no Service has an IPv6 ClusterIP port with a ready endpoint"):
        dual.node.comparison("cluster_ips_ipv6")


def test_without_node_ports_there_is_nothing_to_judge(dual):
    dual.services(lambda item: [port.pop("nodePort", None) for port in item["spec"].get("ports", ())])
    with pytest.raises(Inconclusive, match="no Service with an IPv6 ClusterIP has a node port"):
        dual.node.comparison("node_ports_ipv6")


def test_a_cluster_without_ipv6():
    with pytest.raises(NotApplicable, match="the cluster has no IPv6"):
        Dual("healthy-vxlan-iptables").node.comparison("cluster_ips_ipv6")


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_planned_readers_are_enough(dual, name):
    wanted = names_for(["NET-IPV6-006"])
    dual.recording.streams["facts"] = [fact for fact in dual.recording.streams["facts"] if fact["name"] in wanted]
    assert dual.node.comparison(name).differing == ()
