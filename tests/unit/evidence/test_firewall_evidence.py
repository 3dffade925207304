"""What a node's firewall stops on its way in, chains of others, and rules in two variants of iptables."""

import json

import pytest
from evidence_world import CONTROL, WORKER1, WORKER2

from pytest_k8snet.model.verdict import Inconclusive

DROP = {"expr": [{"drop": None}]}


def native(world, hook="forward", policy="accept", family="inet", table="fw", rules=()):
    """A base chain that iptables does not show."""
    place = {"family": family, "table": table}
    chain = {**place, "name": "c", "type": "filter", "hook": hook, "prio": -5, "policy": policy}
    body = json.loads(world.text("nft"))
    body["nftables"] += [{"table": {"family": family, "name": table}}, {"chain": chain}]
    body["nftables"] += [{"rule": {**place, "chain": "c", **rule}} for rule in rules]
    world.write("nft", json.dumps(body))


def address(world, node):
    return next(a["address"] for a in world.api_node(node)["status"]["addresses"] if a["type"] == "InternalIP")


def test_what_is_asked_of_a_worker_and_of_a_control_plane(world):
    worker, control = world.node(WORKER1).host_firewall, world.node(CONTROL).host_firewall
    assert f"udp 8472 (vxlan tunnel) from node {WORKER2} {address(world, WORKER2)}" in worker
    assert f"tcp 10250 (kubelet) from node {CONTROL} {address(world, CONTROL)}" in worker
    assert {"tcp 30000 (NodePort) from outside 198.51.100.7", "udp 32767 (NodePort) from outside 198.51.100.7"} < worker.keys()
    assert not any("API server" in words for words in worker)
    assert f"tcp 6443 (API server) from node {WORKER1} {address(world, WORKER1)}" in control


def test_the_ports_are_the_clusters_own(world):
    world.api_node(WORKER1)["status"]["daemonEndpoints"] = {"kubeletEndpoint": {"Port": 10260}}
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace('"Type": "vxlan"', '"Type": "vxlan", "Port": 4789')
    asked = world.node().host_firewall
    assert any(words.startswith("tcp 10260 (kubelet)") for words in asked)
    assert any(words.startswith("udp 4789 (vxlan tunnel)") for words in asked)
    assert not any("10250" in words or "8472" in words for words in asked)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("-A INPUT -p udp -m udp --dport 8472 -j DROP", "(vxlan tunnel)"),
        ("-A INPUT -s 10.244.0.0/16 -j DROP", "(kubelet) from pod"),
        ("-A INPUT -p tcp -m tcp --dport 10250 -j REJECT --reject-with icmp-port-unreachable", "(kubelet) from node"),
    ],
)
def test_a_rule_that_stops_it(world, rule, words):
    world.insert_rule("filter", rule)
    assert world.wrong() == {"host_firewall"}
    node = world.node()
    assert all(words in key for key in node.comparison("host_firewall").differing) or words == "(kubelet) from node"
    assert any(words in key for key in node.comparison("host_firewall").differing)
    assert f"{WORKER1}: traffic for the node itself" in node.explain("host_firewall")


def test_a_rule_behind_the_turned_destination_stops_no_node_port(world):
    world.insert_rule("filter", "-A INPUT -p tcp -m tcp --dport 30000:32767 -j DROP")
    assert world.wrong() == set()


def test_a_rule_that_nobody_can_judge_is_no_pass(world):
    world.insert_rule("filter", "-A INPUT -p tcp -m tcp --dport 10250 -m unheard-of --x y -j DROP")
    with pytest.raises(Inconclusive, match=r"traffic for the node itself .* sample packets cannot be judged"):
        world.node().comparison("host_firewall")


def test_without_the_api_servers_endpoints_nothing_passes(world):
    world.object("endpointslices")["items"].clear()
    with pytest.raises(Inconclusive, match="the API server's endpoints are not known"):
        world.node().comparison("host_firewall")


@pytest.mark.parametrize(("hook", "others"), [("forward", {"forwarding_verdicts"}), ("input", {"host_firewall"})])
def test_a_chain_of_others_that_drops(world, hook, others):
    native(world, hook, "drop")
    assert world.wrong() == {"foreign_chains"} | others
    text = world.node().explain("foreign_chains")
    assert f"nftables chains of others: inet fw c (hook {hook}, policy drop)" in text
    assert f"found drop (native inet fw c (hook {hook}) policy drop)" in text


@pytest.mark.parametrize(
    "chain",
    [{"hook": "postrouting", "policy": "accept"}, {"policy": "accept"}, {"family": "ip6", "policy": "drop"}],
    ids=["another-hook", "accept", "ip6"],
)
def test_a_chain_that_stops_no_pod(world, chain):
    native(world, **chain)
    assert world.wrong() == set()
    assert world.statuses()["foreign_chains"] == "right"


def test_chains_of_the_cluster_are_not_of_others(world):
    native(world, "forward", "drop", table="flannel-ipv4", family="ip")
    assert world.wrong() == {"forwarding_verdicts"}
    assert "there are none" in world.node().comparison("foreign_chains").caption


def test_rules_in_both_variants(world):
    dump = "*nat\n:POSTROUTING ACCEPT [0:0]\n[0:0] -A POSTROUTING -s 192.0.2.0/24 -j ACCEPT\nCOMMIT\n"
    _legacy(world, dump)
    assert world.wrong() == {"one_variant"}
    assert "rules: expected nft, found nft legacy (nft: " in world.node().explain("one_variant")
    assert "legacy: 1 rules)" in world.node().explain("one_variant")


def test_an_empty_table_of_the_other_variant_is_none(world):
    _legacy(world, "*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n")
    assert world.wrong() == set()


def test_a_policy_of_the_other_variant_is_a_rule(world):
    _legacy(world, "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING DROP [0:0]\nCOMMIT\n")
    assert "one_variant" in world.wrong()


def test_kubelet_uses_the_other_variant(world):
    """Its chains hold no rule; their place tells which program kubelet runs."""
    text = world.text("iptables")
    for name in ("KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(f":{name} "))
    world.write("iptables", text + "\n")
    _legacy(world, "*nat\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n")
    assert world.wrong() == {"one_variant", "canaries"}
    text = world.node().explain("one_variant")
    assert "kubelet's chains (KUBE-IPTABLES-HINT, KUBE-KUBELET-CANARY): expected nft, found legacy" in text


def _legacy(world, dump):
    world.write("legacy-tables", "nat\n")
    fact = {
        "node": WORKER1,
        "phase": "after",
        "name": "iptables-legacy/nat",
        "source": "s",
        "ok": True,
        "code": 0,
        "text": dump,
        "error": "",
    }
    world.recording.append("facts", fact)
