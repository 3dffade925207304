"""Faults in the rules of a node: what must be wrong, and the text a person reads."""

import pytest
from evidence_world import WORKER1, World

from pytest_k8snet.model.verdict import Inconclusive


def test_flannel_network_is_another_one(world):
    world.edit("iptables", "10.244.0.0/16", "10.4.0.0/16")
    assert {"egress", "pod_network_rules", "accept_rules"} <= world.wrong()
    assert "forwarding_verdicts" not in world.wrong()
    text = world.node().explain("egress")
    assert text.startswith("k8snet-worker1: source of pod traffic that leaves the pod network (nat POSTROUTING)")
    assert "pod 10.244.0.2 of k8snet-control > outside: expected masqueraded, found kept" in text
    assert "accepted by the policy only" in world.node().explain("accept_rules")


def test_masquerade_rules_are_gone(world):
    lines = world.text("iptables").splitlines()
    world.write("iptables", "\n".join(line for line in lines if "-A FLANNEL-POSTRTG" not in line))
    assert world.wrong() == {"egress", "pod_network_rules"}
    assert "last matching nat rule: nft nat POSTROUTING rule 2" in world.node().explain("egress")


def test_masquerade_covers_one_subnet_only(world):
    world.edit("iptables", "-s 10.244.0.0/16 ! -d 224.0.0.0/4", "-s 10.244.1.0/24 ! -d 224.0.0.0/4", count=1)
    assert "egress" in world.wrong()
    text = world.node().explain("egress")
    assert "of k8snet-control > outside: expected masqueraded, found kept" in text
    assert "of k8snet-worker1 > outside: expected" not in text


def test_masquerade_does_not_spare_multicast(world):
    world.edit("iptables", "-s 10.244.0.0/16 ! -d 224.0.0.0/4", "-s 10.244.0.0/16", count=1)
    assert "multicast 224.0.0.251: expected kept, found masqueraded" in world.node().explain("egress")


def test_catch_all_masquerade_in_front(world):
    world.insert_rule("nat", "-A POSTROUTING -s 10.244.1.0/24 -j MASQUERADE")
    assert "between_pods" in world.wrong()
    assert world.node().explain("egress").count("expected") == 1  # multicast
    text = world.node().explain("between_pods")
    assert "pod 10.244.1.254 > pod 10.244.0.254 of k8snet-control: expected kept, found masqueraded" in text
    assert "nat POSTROUTING rule 1: " in text
    assert "-s 10.244.1.0/24 -j MASQUERADE" in text


def test_catch_all_masquerade_is_not_laid_to_the_rules_for_marked_packets(world):
    world.insert_rule("nat", "-A POSTROUTING -s 10.244.1.0/24 -j MASQUERADE")
    assert "service_marks" not in world.wrong()
    assert "service_entries" not in world.wrong()


def test_nat_table_emptied(world):
    lines = world.text("iptables").splitlines()
    nat = range(lines.index("*nat"), len(lines))
    world.write("iptables", "\n".join(line for i, line in enumerate(lines) if not (i in nat and "] -A " in line)))
    wrong = world.wrong()
    assert {"service_hooks", "marked_traffic", "masquerade_rules", "service_entries", "endpoint_sets"} <= wrong
    with pytest.raises(Inconclusive, match="k8snet-worker1: no packet to a Service is translated, so nothing is known about marks"):
        world.node().comparison("service_marks")
    assert "mode_sources" not in wrong
    assert "0 of 4 ClusterIP ports translated" in world.node().explain("service_hooks")


def test_nat_chains_deleted(world):
    text = world.text("iptables")
    world.write("iptables", text[: text.index("*nat")])
    assert "mode_sources" in world.wrong()


def test_prerouting_jump_removed(world):
    world.without_rule("-A PREROUTING", "kubernetes service portals")
    assert world.wrong() == {"service_hooks"}
    text = world.node().explain("service_hooks")
    assert "from pods, by nat PREROUTING: expected 4 of 4 ClusterIP ports translated, found 0 of 4 ClusterIP ports translated" in text
    assert "default/kubernetes 10.96.0.1:443/tcp" in text


def test_earlier_rule_ends_service_traffic(world):
    world.insert_rule("nat", "-A PREROUTING -d 10.96.0.0/12 -j ACCEPT")
    assert world.wrong() == {"service_hooks"}


def test_postrouting_jump_removed(world):
    world.without_rule("-A POSTROUTING", "kubernetes postrouting rules")
    assert {"marked_traffic"} <= world.wrong() <= {"marked_traffic", "masquerade_rules"}
    text = world.node().explain("marked_traffic")
    assert "mark 0x4000: expected masqueraded, found kept" in text


def test_mark_rule_removed(world):
    world.without_rule("-A KUBE-MARK-MASQ")
    assert world.wrong() == {"service_marks", "hairpins", "off_cluster"}
    assert "endpoints > themselves: expected marked, found not marked" in world.node().explain("service_marks")


def test_another_masquerade_bit(world):
    config = world.object("configmap/kube-system/kube-proxy")["data"]
    config["config.conf"] = config["config.conf"].replace("masqueradeBit: null", "masqueradeBit: 15")
    assert {"service_marks", "marked_traffic"} <= world.wrong()
    text = world.text("iptables").replace("0x4000/0x4000", "0x8000/0x8000").replace("0x4000/0x0", "0x8000/0x0")
    world.write("iptables", text)
    assert world.wrong() == set()


def test_unmarked_packets_masqueraded(world):
    world.without_rule("-A KUBE-POSTROUTING", "! --mark 0x4000/0x4000", "-j RETURN")
    assert "masquerade_rules" in world.wrong()
    assert "unmarked: expected kept, found masqueraded" in world.node().explain("masquerade_rules")


def test_one_rule_form_of_early_versions(world):
    lines = world.text("iptables").splitlines()
    kept = [line for line in lines if "-A KUBE-POSTROUTING" not in line]
    at = next(i for i, line in enumerate(lines) if "-A KUBE-POSTROUTING" in line)
    kept.insert(at, "[0:0] -A KUBE-POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE --random-fully")
    world.write("iptables", "\n".join(kept))
    assert world.wrong() == {"masquerade_rules"}
    assert ", mark afterwards: expected taken away, found left" in world.node().explain("masquerade_rules")
    world.api_node(WORKER1)["status"]["nodeInfo"]["kubeletVersion"] = "v1.18.2"
    assert "masquerade_rules" not in world.wrong()


def test_service_is_not_programmed(world):
    service = world.object("services")["items"][0]
    spec = {**service["spec"], "clusterIP": "10.96.7.7", "clusterIPs": ["10.96.7.7"]}
    added = {**service, "metadata": {"name": "late", "namespace": "shop"}, "spec": spec}
    piece = world.object("endpointslices")["items"][0]
    labels = {"kubernetes.io/service-name": "late"}
    world.object("services")["items"].append(added)
    world.object("endpointslices")["items"].append({**piece, "metadata": {"name": "late-x", "namespace": "shop", "labels": labels}})
    assert "service_entries" in world.wrong()
    assert "shop/late 10.96.7.7:443/tcp: expected sent to endpoints, found not translated" in world.node().explain("service_entries")
    assert "shop/late 10.96.7.7:443/tcp: expected 172.30.0.11:6443, found not translated" in world.node().explain("endpoint_sets")


def test_service_goes_to_an_endpoint_that_left(world):
    for endpoint in _endpoints(world, "kube-dns"):
        if endpoint["addresses"] == ["10.244.1.5"]:
            endpoint["addresses"] = ["10.244.1.77"]
    assert world.wrong() == {"endpoint_sets"}
    text = world.node().explain("endpoint_sets")
    assert "kube-system/kube-dns 10.96.0.10:53/udp: expected 10.244.0.4:53, 10.244.1.77:53, found 10.244.0.4:53, 10.244.1.5:53" in text


def test_endpoints_that_change_between_two_readings_are_right_either_way(world):
    before = World()
    for endpoint in _endpoints(world, "kube-dns"):
        if endpoint["addresses"] == ["10.244.1.5"]:
            endpoint["addresses"] = ["10.244.1.77"]
    for name in ("services", "endpointslices"):
        world.recording.streams["objects"].insert(0, {"name": name, "status": 200, "body": before.object(name)})
    assert world.wrong() == set()


def test_forward_policy_drop_without_accept_rules(world):
    start, filter_table, rest = world.text("iptables").partition("*filter")
    world.write("iptables", start + filter_table + rest.replace(":FORWARD ACCEPT", ":FORWARD DROP", 1))
    assert world.wrong() == set()
    world.without_rule("-A FLANNEL-FWD", count=2)
    assert world.wrong() == {"forwarding_verdicts", "accept_rules"}
    text = world.node().explain("forwarding_verdicts")
    assert "tcp: pod 10.244.1.254 > pod 10.244.0.254 of k8snet-control: expected accepted, found drop" in text
    assert "policy DROP" in text


def test_drop_rule_in_front_of_forwarding(world):
    world.insert_rule("filter", "-A FORWARD -i cni0 -p udp -j DROP")
    assert world.wrong() == {"forwarding_verdicts"}
    text = world.node().explain("forwarding_verdicts")
    assert "udp: pod 10.244.1.254 > pod 10.244.0.254 of k8snet-control: expected accepted, found drop" in text


def test_leftovers_of_another_mode(world):
    world.edit("links", '"ifname": "lo"', '"ifname": "kube-ipvs0"')
    assert world.wrong() == {"mode_sources", "leftovers"}
    assert "data plane in the kernel: expected iptables, found iptables ipvs" in world.node().explain("mode_sources")


def _endpoints(world, service):
    for piece in world.object("endpointslices")["items"]:
        if piece["metadata"]["labels"].get("kubernetes.io/service-name") == service:
            yield from piece["endpoints"]


NODE_PORT = """\
:KUBE-EXT-WEB - [0:0]
:KUBE-SVC-WEB - [0:0]
:KUBE-SEP-WEB - [0:0]
[0:0] -A KUBE-NODEPORTS -p tcp -m comment --comment "shop/web" -m tcp --dport 30080 -j KUBE-EXT-WEB
[0:0] -A KUBE-EXT-WEB -m comment --comment "masquerade traffic for shop/web external destinations" -j KUBE-MARK-MASQ
[0:0] -A KUBE-EXT-WEB -j KUBE-SVC-WEB
[0:0] -A KUBE-SVC-WEB ! -s 10.244.0.0/16 -d 10.96.5.5/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
[0:0] -A KUBE-SVC-WEB -m comment --comment "shop/web -> 10.244.1.5:7801" -j KUBE-SEP-WEB
[0:0] -A KUBE-SEP-WEB -s 10.244.1.5/32 -m comment --comment "shop/web" -j KUBE-MARK-MASQ
[0:0] -A KUBE-SEP-WEB -p tcp -m comment --comment "shop/web" -m tcp -j DNAT --to-destination 10.244.1.5:7801
"""


def _add_node_port(world, **spec):
    head, nat, rest = world.text("iptables").partition("*nat\n")
    chains, rules = NODE_PORT[: NODE_PORT.index("[0:0] -A")], NODE_PORT[NODE_PORT.index("[0:0] -A") :]
    at = rest.index("[", rest.index("\n["))
    world.write("iptables", head + nat + rest[:at] + chains + rules + rest[at:])
    world.insert_rule("nat", "-A KUBE-SERVICES -d 10.96.5.5/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-WEB")
    port = {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}
    body = {"clusterIP": "10.96.5.5", "clusterIPs": ["10.96.5.5"], "ports": [port], "type": "NodePort", **spec}
    world.object("services")["items"].append({"metadata": {"name": "web", "namespace": "shop"}, "spec": body})
    labels = {"kubernetes.io/service-name": "web"}
    piece = {"metadata": {"name": "web-1", "namespace": "shop", "labels": labels}, "addressType": "IPv4"}
    ports = [{"name": "http", "port": 7801, "protocol": "TCP"}]
    world.object("endpointslices")["items"].append({**piece, "ports": ports, "endpoints": [{"addresses": ["10.244.1.5"]}]})


def test_node_port_packets_are_marked(world):
    _add_node_port(world)
    assert world.wrong() == set()
    world.without_rule("-A KUBE-EXT-WEB", "-j KUBE-MARK-MASQ")
    assert world.wrong() == {"service_marks"}
    assert "outside > node port 30080/tcp of shop/web: expected marked, found not marked" in world.node().explain("service_marks")


def test_node_port_that_leads_nowhere(world):
    _add_node_port(world)
    world.without_rule("-A KUBE-NODEPORTS", "--dport 30080")
    text = world.node().explain("service_marks")
    assert "node port 30080/tcp of shop/web: expected marked, found not translated (no rule translates it)" in text


def test_node_port_with_local_policy_keeps_the_client(world):
    _add_node_port(world, externalTrafficPolicy="Local")
    world.without_rule("-A KUBE-EXT-WEB", "-j KUBE-MARK-MASQ")
    assert world.wrong() == set()


def test_some_packets_unmarked_is_wrong(world):
    _add_node_port(world)
    world.edit("iptables", 'external destinations" -j KUBE-MARK-MASQ', 'x" -m statistic --mode random --probability 0.5 -j KUBE-MARK-MASQ')
    assert world.wrong() == {"service_marks"}


def test_same_node_pods_masqueraded(world):
    world.insert_rule("nat", "-A POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -j MASQUERADE")
    assert "between_pods" in world.wrong()
    assert "pod 10.244.1.254 > pod 10.244.1.3 of the same node: expected kept, found masqueraded" in world.node().explain("between_pods")


def test_same_node_pods_pass_no_rules_without_bridge_nf(world):
    world.write("bridge-nf", "0\n")
    world.insert_rule("nat", "-A POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -j MASQUERADE")
    assert "between_pods" not in world.wrong()


def test_replies_stopped(world):
    world.insert_rule("filter", "-A FORWARD -s 10.244.0.0/24 -m conntrack --ctstate ESTABLISHED -j DROP")
    assert world.wrong() == {"forwarding_verdicts"}
    assert "tcp: reply to pod 10.244.1.254 > pod 10.244.0.254 of k8snet-control: expected accepted, found drop" in world.node().explain(
        "forwarding_verdicts"
    )


def test_another_set_than_either_reading_is_wrong(world):
    before = World()
    for endpoint in _endpoints(world, "kube-dns"):
        if endpoint["addresses"] == ["10.244.1.5"]:
            endpoint["addresses"] = ["10.244.1.77"]
    for endpoint in _endpoints(before, "kube-dns"):
        if endpoint["addresses"] == ["10.244.1.5"]:
            endpoint["addresses"] = ["10.244.1.78"]
    for name in ("services", "endpointslices"):
        world.recording.streams["objects"].insert(0, {"name": name, "status": 200, "body": before.object(name)})
    assert "endpoint_sets" in world.wrong()


def test_match_nobody_understands_on_a_service_path(world):
    world.insert_rule("nat", "-A PREROUTING -d 10.96.0.0/12 -m frobnicate --level 3 -j ACCEPT")
    statuses = world.statuses()
    judged = ("service_hooks", "service_entries", "endpoint_sets", "balancing", "service_marks", "hairpins", "off_cluster")
    assert {name: statuses[name] for name in judged} == dict.fromkeys(judged, "unknown")


def test_match_nobody_understands_in_postrouting(world):
    world.insert_rule("nat", "-A POSTROUTING -m frobnicate --level 3 -j MASQUERADE")
    statuses = world.statuses()
    assert {statuses[name] for name in ("egress", "between_pods", "pod_network_rules")} <= {"unknown", "wrong"}
    assert statuses["between_pods"] == "unknown"


def test_nftables_leftovers(world):
    world.edit("nft", '{"nftables": [', '{"nftables": [{"table": {"family": "ip", "name": "kube-proxy", "handle": 1}}, ')
    assert world.wrong() == {"mode_sources", "leftovers"}
    assert "found iptables nftables" in world.node().explain("mode_sources")


def test_proxy_says_another_mode(world):
    world.write("proxy-mode", "ipvs")
    assert world.wrong() == {"mode_sources"}
    assert "proxyMode: expected iptables, found ipvs" in world.node().explain("mode_sources")


def test_packets_dropped_in_raw_are_not_laid_to_kube_proxy(world):
    text = world.text("iptables")
    drop = "[0:0] -A PREROUTING -s 10.244.0.0/16 -p tcp -m tcp --dport 53 -j DROP"
    world.write("iptables", f"*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{drop}\nCOMMIT\n{text}")
    assert world.wrong() == set()
    world.without_rule("-A PREROUTING", "kubernetes service portals")
    assert world.wrong() == {"service_hooks"}


def test_untracked_packets_are_not_translated(world):
    text = world.text("iptables")
    rule = "[0:0] -A PREROUTING -d 10.96.0.0/12 -j CT --notrack"
    world.write("iptables", f"*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rule}\nCOMMIT\n{text}")
    assert world.wrong() == {"service_hooks"}
