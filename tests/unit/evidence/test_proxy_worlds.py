"""Rules of kube-proxy are judged only where there are Services to judge them by, and where the rules are the whole data plane."""

import re

import pytest
from evidence_world import NODES, WORKER1

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable

BY_PORTS = ["service_hooks", "service_entries", "endpoint_sets", "balancing", "service_marks", "hairpins", "off_cluster"]
RULES = [*BY_PORTS, "masquerade_rules", "rejections"]


def without_endpoints(world):
    for entry in world.recording.streams["objects"]:
        if entry["name"] == "endpointslices":
            entry["body"]["items"] = []


def in_mode(world, mode):
    data = world.object("configmap/kube-system/kube-proxy")["data"]
    data["config.conf"] = re.sub(r"(?m)^mode:.*$", f"mode: {mode}", data["config.conf"])


@pytest.mark.parametrize("name", BY_PORTS)
def test_no_port_to_judge_by(world, name):
    without_endpoints(world)
    with pytest.raises(Inconclusive, match="k8snet-worker1: no Service has an IPv4 ClusterIP port with a ready endpoint"):
        world.node().comparison(name)


@pytest.mark.parametrize("name", BY_PORTS)
def test_ipv6_only(world, name):
    without_endpoints(world)
    for number, node in enumerate(NODES):
        world.api_node(node)["spec"].update(podCIDR=f"fd00:{number}::/64", podCIDRs=[f"fd00:{number}::/64"])
    with pytest.raises(NotApplicable, match="the cluster is IPv6 only"):
        world.node().comparison(name)


@pytest.mark.parametrize("name", RULES)
def test_services_that_are_not_in_the_rules(world, name):
    in_mode(world, "ipvs")
    lines = world.text("iptables").splitlines()
    world.write("iptables", "\n".join(line for line in lines if not re.search(r"-A KUBE-(SVC|SEP|EXT|SERVICES)", line)))
    with pytest.raises(Inconclusive, match=f"{WORKER1}: (kube-proxy runs in mode ipvs: it keeps Services in |ip-vs was not read)"):
        world.node().comparison(name)


def test_nftables_rules_are_read_like_any_others(world):
    in_mode(world, "nftables")
    assert world.statuses()["service_entries"] == "right"
    lines = world.text("iptables").splitlines()
    world.write("iptables", "\n".join(line for line in lines if not re.search(r"-A KUBE-(SVC|SEP|EXT|SERVICES)", line)))
    assert world.statuses()["service_entries"] == "wrong"


def test_ipvs_still_has_to_masquerade_marked_packets(world):
    in_mode(world, "ipvs")
    assert world.statuses()["marked_traffic"] == "right"
    world.without_rule("-A POSTROUTING", "kubernetes postrouting rules")
    assert "marked_traffic" in world.wrong()
