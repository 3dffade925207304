"""What was not read, or cannot be understood, is never a pass: Inconclusive names node, reader and error."""

import json

import pytest
from evidence_world import OF_A_RUN, WORKER1, RecordedWorld, status

from pytest_k8snet.evidence import flannel_nft, ipvs, node_cni, proxy_ipv6, rules_nft
from pytest_k8snet.evidence.node import NodeEvidence
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan.readers import names_for, readers_for

NEEDS = {  # comparison -> a requirement that uses it
    "peer_routes": "NET-FLANNEL-015", "neighbours": "NET-FLANNEL-016", "fdb": "NET-FLANNEL-017", "subnet_keys": "NET-FLANNEL-004",
    "subnet_values": "NET-FLANNEL-005", "cni_file": "NET-FLANNEL-006", "tunnel_mtu": "NET-MTU-001", "forwarding": "NET-NODE-001",
    "bridged_traffic": "NET-NODE-002", "resolver_file": "NET-DNS-014", "forwarding_verdicts": "NET-NODE-007",
    "accept_rules": "NET-FLANNEL-021", "mode_sources": "NET-PROXY-002", "service_entries": "NET-PROXY-017",
    "service_hooks": "NET-PROXY-007", "marked_traffic": "NET-PROXY-008", "masquerade_rules": "NET-PROXY-011",
    "service_marks": "NET-PROXY-010", "egress": "NET-NAT-008", "between_pods": "NET-NAT-009", "pod_network_rules": "NET-FLANNEL-020",
    "one_variant": "NET-NODE-006", "host_firewall": "NET-NODE-011", "foreign_chains": "NET-NODE-016",
    "endpoint_sets": "NET-PROXY-018", "balancing": "NET-PROXY-019", "hairpins": "NET-PROXY-020", "off_cluster": "NET-PROXY-021",
    "rejections": "NET-PROXY-022",
    "tunnel_link": "NET-FLANNEL-013", "tunnel_address": "NET-FLANNEL-014", "pod_bridge": "NET-FLANNEL-018", "hairpin": "NET-FLANNEL-019",
    "backend_module": "NET-NODE-003", "tracking": "NET-NODE-005", "ranges": "NET-NODE-010", "internal_address": "NET-NODE-014",
    "local_ports": "NET-NODE-017",
    "proxy_health": "NET-PROXY-003", "leftovers": "NET-PROXY-004", "jumps": "NET-PROXY-009",
    "proxied_forwarding": "NET-PROXY-012", "mark_drop": "NET-PROXY-013", "localnet_drop": "NET-PROXY-014", "canaries": "NET-PROXY-015",
    "node_port_catch": "NET-PROXY-016", "external_kinds": "NET-PROXY-023", "foreign_marks": "NET-NAT-010", "random_ports": "NET-NAT-011",
    "localhost": "NET-NODE-015", "flannel_answers": "NET-FLANNEL-026",
}  # fmt: skip


def test_every_comparison_of_a_node_is_tried_here():
    objects = {"network_condition", "ready_condition", "cluster_dns"}
    elsewhere = {"pod_status", "device_mtu", "ipv6_prerequisites", "host_gw", "reverse_path", "flannel_ipv6", "flannel_ipv6_rules"}
    elsewhere |= {"docker_chains", "docker_bridge", "other_tunnel", *proxy_ipv6.COMPARISONS, *node_cni.COMPARISONS}
    elsewhere |= {*rules_nft.COMPARISONS, *ipvs.COMPARISONS, *flannel_nft.COMPARISONS}
    assert NEEDS.keys() | objects | elsewhere == NodeEvidence.comparisons.keys()


@pytest.mark.parametrize("name", NEEDS)
def test_without_facts_nothing_passes(world, name):
    world = RecordedWorld() if name in OF_A_RUN else world
    world.recording.streams["facts"].clear()
    with pytest.raises(Inconclusive, match=r"k8snet-worker1: \S+ was not read \S+ the probes"):
        world.node().comparison(name)


@pytest.mark.parametrize("name", NEEDS)
def test_the_planned_readers_are_enough(world, name):
    """Only the facts that the requirement asks for are there."""
    world = RecordedWorld() if name in OF_A_RUN else world
    wanted = names_for([NEEDS[name]])
    world.recording.streams["facts"] = [fact for fact in world.recording.streams["facts"] if fact["name"] in wanted]
    assert status(world.node(), name) == "right"


@pytest.mark.parametrize(("name", "reader"), [(name, reader) for name in NEEDS for reader in sorted(names_for([NEEDS[name]]))])
def test_each_planned_reader_is_needed(world, name, reader):
    world.drop(reader)
    assert status(world.node(), name) != "wrong"


@pytest.mark.parametrize(
    ("name", "reader"),
    [("fdb", "fdb"), ("neighbours", "neighbours"), ("peer_routes", "routes"), ("tunnel_mtu", "links"), ("egress", "iptables"),
     ("forwarding_verdicts", "nft"), ("subnet_values", "subnet.env"), ("resolver_file", "resolv.conf"), ("mode_sources", "proxy-mode")],
)  # fmt: skip
def test_a_refused_reader_is_named_with_its_error(world, name, reader):
    world.fail(reader, "permission denied")
    with pytest.raises(Inconclusive, match=rf"k8snet-worker1: {reader} \(.*\) was not read: permission denied"):
        world.node().comparison(name)


@pytest.mark.parametrize(
    ("name", "reader", "text"),
    [("fdb", "fdb", "[{"), ("neighbours", "neighbours", "x"), ("tunnel_mtu", "links", '[{"ifname": 1}]'),
     ("egress", "iptables", "*nat\n:A"), ("forwarding_verdicts", "nft", "{}"), ("subnet_values", "subnet.env", "FLANNEL"),
     ("resolver_file", "resolv.conf", "nameserver x")],
)  # fmt: skip
def test_damaged_text_is_named(world, name, reader, text):
    world.write(reader, text)
    with pytest.raises(Inconclusive, match=rf"k8snet-worker1: {reader} cannot be understood: "):
        world.node().comparison(name)


def test_a_cut_off_dump_is_not_half_a_rule_set(world):
    text = world.text("iptables")
    world.write("iptables", text[: text.index("-A KUBE-SVC")])
    assert set(world.statuses().values()) == {"right", "unknown"}
    assert world.statuses()["egress"] == "unknown"


def test_legacy_tables_without_the_legacy_tool_are_not_assessed(world):
    world.write("legacy-tables", "filter\n")
    world.recording.append("facts", _fact("iptables-legacy/filter", ok=False, error="no such tool: iptables-legacy-save"))
    with pytest.raises(Inconclusive, match=r"iptables-legacy/filter \(.*\) was not read: no such tool: iptables-legacy-save"):
        world.node().comparison("forwarding_verdicts")


def test_legacy_rules_count(world):
    world.write("legacy-tables", "filter\n")
    text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    world.recording.append("facts", _fact("iptables-legacy/filter", text=text))
    assert "forwarding_verdicts" in world.wrong()
    assert "found drop (legacy filter FORWARD policy DROP)" in world.node().explain("forwarding_verdicts")


def test_the_names_of_the_legacy_tables_must_be_readable(world):
    world.fail("legacy-tables", "permission denied")
    with pytest.raises(Inconclusive, match="legacy-tables"):
        world.node().comparison("egress")
    world.fail("legacy-tables", "no such file")
    assert world.statuses()["egress"] == "right"


def test_native_rules_nobody_understands_are_not_a_pass(world):
    hook = {"type": "filter", "hook": "forward", "prio": 0, "policy": "accept"}
    objects = json.loads(world.text("nft"))["nftables"]
    objects += [{"table": {"family": "inet", "name": "fw"}}, {"chain": {"family": "inet", "table": "fw", "name": "f", **hook}}]
    objects += [{"rule": {"family": "inet", "table": "fw", "chain": "f", "expr": [{"queue": {"num": 1}}]}}]
    world.write("nft", json.dumps({"nftables": objects}))
    with pytest.raises(Inconclusive, match="sample packets cannot be judged"):
        world.node().comparison("forwarding_verdicts")


def test_a_pod_that_did_not_start_is_the_reason(world):
    world.drop("fdb")
    pod = {"endpoint": f"host@{WORKER1}", "namespace": "p", "pod": "h", "ip": "", "tier": "privileged"}
    world.recording.append("fleet", {**pod, "problem": "ErrImagePull"})
    with pytest.raises(Inconclusive, match=r"fdb was not read after the probes \(the privileged probe pod: ErrImagePull\)"):
        world.node().comparison("fdb")


@pytest.mark.parametrize("error", ["not a regular file", "Is a directory"])
def test_a_directory_beside_the_cni_configuration_is_no_file(world, error):
    path = "/host/etc/cni/net.d/multus.conf"
    world.recording.append("facts", _fact("cni", ok=False, error=error) | {"source": path})
    assert status(world.node(), "cni_file") == "right"


def test_a_cni_file_that_was_not_read_may_be_the_one(world):
    world.recording.append("facts", _fact("cni", ok=False, error="permission denied") | {"source": "/host/etc/cni/net.d/x.conf"})
    assert status(world.node(), "cni_file") == "unknown"


def test_an_unknown_reader_is_an_error():
    with pytest.raises(KeyError):
        readers_for(frozenset({"no-such-reader"}), "after")


def _fact(name, ok=True, text="", error=""):
    return {"node": WORKER1, "phase": "after", "name": name, "source": name, "ok": ok, "code": 0, "text": text, "error": error}
