"""Health endpoints, addresses of node ports, kernel settings, marks: what configuration and facts make of them."""

import json

import pytest
from evidence_world import WORKER1, RecordedWorld
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.evidence.node_proxy import serves_node_ports
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.plan.health import flannel_health, proxy_health
from pytest_k8snet.plan.readers import readers_for


@pytest.fixture
def world():
    return RecordedWorld()


def told(world, old, new):
    for entry in world.recording.entries("objects", name="configmap/kube-system/kube-proxy"):
        data = entry["body"]["data"]
        assert old in data["config.conf"]
        data["config.conf"] = data["config.conf"].replace(old, new)


def flannel(world):
    for entry in world.recording.entries("objects", name="daemonsets/kube-flannel"):
        yield entry["body"]["items"][0]["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("bound", "url"),
    [
        ('""', "http://127.0.0.1:10256"), ("0.0.0.0:10256", "http://127.0.0.1:10256"), ("0.0.0.0:10300", "http://127.0.0.1:10300"),
        ('"[::]:10256"', "http://127.0.0.1:10256"), ("172.30.0.12", "http://172.30.0.12:10256"), ("10.0.0.1:77", "http://10.0.0.1:77"),
        ('"fd00::1"', "http://[fd00::1]:10256"), ('"[fd00::1]:77"', "http://[fd00::1]:77"),
    ],
)  # fmt: skip
def test_kube_proxy_is_asked_where_it_listens(world, bound, url):
    told(world, 'healthzBindAddress: ""', f"healthzBindAddress: {bound}")
    assert proxy_health(world.recording) == f"{url}/healthz"
    (asked,) = [stage(world.recording, WORKER1) for stage in readers_for(frozenset({"proxy-healthz"}), "after")]
    assert asked == [{"name": "proxy-healthz", "http": f"{url}/healthz"}]


def test_without_a_configuration_the_default_is_asked():
    assert proxy_health(Recording()) == "http://127.0.0.1:10256/healthz"


@pytest.mark.parametrize(
    ("args", "env", "url"),
    [
        (["--ip-masq", "--healthz-port=8081"], {}, "http://127.0.0.1:8081"),
        (["-healthz-port", "9000", "--healthz-ip=10.0.0.1"], {}, "http://10.0.0.1:9000"),
        (["--ip-masq"], {"FLANNELD_HEALTHZ_PORT": "8082"}, "http://127.0.0.1:8082"),
        (["--healthz-port=0"], {}, None),
        (["--ip-masq"], {}, None),
    ],
)
def test_flannel_is_asked_where_it_is_told_to_listen(world, args, env, url):
    for container in flannel(world):
        container["args"], container["env"] = args, [{"name": name, "value": value} for name, value in env.items()]
    assert flannel_health(world.recording) == url
    (asked,) = [stage(world.recording, WORKER1) for stage in readers_for(frozenset({"flannel-readyz"}), "after")]
    assert asked == ([{"name": "flannel-readyz", "http": f"{url}/readyz"}] if url else [])
    if url is None:
        with pytest.raises(NotApplicable, match="flannel is not told to serve a health endpoint"):
            world.node().comparison("flannel_answers")


def test_without_flannel_nobody_is_asked():
    assert flannel_health(Recording()) is None


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ({"code": 200, "ok": True, "text": "welcome"}, "200, but not by kube-proxy"),
        ({"code": 200, "ok": True, "text": "[]"}, "200, but not"),
        ({"code": 404, "ok": False, "error": "HTTP 404 Not Found"}, "404"),
        ({"code": None, "ok": False, "error": "[Errno 111] refused"}, "refused"),
    ],
)  # fmt: skip
def test_what_kube_proxy_answers(world, fact, said):
    world.facts("proxy-healthz")[0].update({"error": "", "text": ""} | fact)
    assert world.wrong() == {"proxy_health"}
    assert said in world.node().explain("proxy_health")


@pytest.mark.parametrize("error", ["nothing within 5 s", "timed out", "no route to host"])
def test_no_answer_is_no_finding(world, error):
    world.facts("proxy-healthz")[0].update(ok=False, code=None, text="", error=error)
    with pytest.raises(Inconclusive, match=error):
        world.node().comparison("proxy_health")


@pytest.mark.parametrize("leaving", [{"taint": True}, {"taint": False}])
def test_a_node_that_leaves_may_turn_balancers_away(world, leaving):
    world.facts("proxy-healthz")[0].update(ok=False, code=503, text="{}", error="HTTP 503 Service Unavailable")
    assert world.wrong() == {"proxy_health"}
    for body in [entry["body"] for entry in world.recording.entries("objects", name="nodes")]:
        (node,) = [item for item in body["items"] if item["metadata"]["name"] == WORKER1]
        if leaving["taint"]:
            node["spec"]["taints"] = [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]
        else:
            node["metadata"]["deletionTimestamp"] = "2026-11-28T04:00:00Z"
    assert world.wrong() == set()


@pytest.mark.parametrize(
    ("ranges", "address", "served"),
    [
        ([], "10.9.9.9", True), (["10.0.0.0/8"], "10.9.9.9", True), (["10.0.0.0/8"], "127.0.0.1", False),
        (["127.0.0.0/8"], "127.0.0.1", True),
        (["primary"], "10.9.9.9", False), (["primary"], "10.1.1.1", True),
        (["fd00::/8"], "10.1.1.1", False), (["0.0.0.0/0"], "10.1.1.1", True),
    ],
)  # fmt: skip
def test_addresses_of_node_ports(ranges, address, served):
    assert serves_node_ports({"nodePortAddresses": ranges}, address, frozenset({"10.1.1.1"})) is served


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_address_is_in_its_own_network(address, length):
    assert serves_node_ports({"nodePortAddresses": [f"{address}/{length}"]}, str(address), frozenset())


def test_addresses_that_cannot_be_read():
    with pytest.raises(Inconclusive, match=r"nodePortAddresses of kube-proxy's config\.conf cannot be read"):
        serves_node_ports({"nodePortAddresses": ["everywhere"]}, "10.1.1.1", frozenset())


def test_node_ports_of_some_addresses(world):
    told(world, "nodePortAddresses: null", "nodePortAddresses: [172.30.0.0/24]")
    assert "node_port_catch" in world.wrong()
    assert "127.0.0.1:" in world.node().explain("node_port_catch")
    world.edit("iptables", "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS", "-d 172.30.0.12/32 -j KUBE-NODEPORTS", count=1)
    assert "node_port_catch" not in world.wrong()


def test_no_node_ports_on_localhost(world):
    told(world, "localhostNodePorts: null", "localhostNodePorts: false")
    assert world.wrong() == {"node_port_catch"}
    assert "expected not translated, found translated" in world.node().explain("node_port_catch")
    world.edit("iptables", "-m addrtype --dst-type LOCAL", "! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL", count=1)
    assert world.wrong() == set()
    with pytest.raises(NotApplicable, match=r"node ports on 127\.0\.0\.1 are off"):
        world.node().comparison("localhost")


@pytest.mark.parametrize(("value", "status"), [("0", "wrong"), ("1", "right"), ("\u00bf", "unknown")])
def test_invalid_packets_where_conntrack_is_liberal(world, value, status):
    world.write("tcp-be-liberal", f"{value}\n")
    world.without_rule("-A KUBE-FORWARD", "--ctstate INVALID")
    assert world.statuses()["proxied_forwarding"] == status


def test_rules_of_mode_iptables_in_mode_nftables(world):
    told(world, "mode: iptables", "mode: nftables")
    text = world.node().explain("leftovers")
    assert "iptables rules of mode iptables: expected none, found rules that translate Service packets nft filter KUBE-SERVICES" in text


@pytest.mark.parametrize(
    ("rule", "bits"),
    [
        ("-m mark --mark 0x4000/0x4000 -j ACCEPT", "0x4000"), ("-m mark --mark 0x1 -j ACCEPT", ""), ("-j MARK --set-xmark 0x1/0x1", ""),
        ("-j MARK --set-xmark 0x1/0xffffffff", "0x4000 0x8000 0x2000"), ("-j MARK --and-mark 0xffffdfff", "0x2000"),
        ("-j CONNMARK --restore-mark", "0x4000 0x8000 0x2000"), ("-j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80", ""),
        ("-m connmark --mark 0x8000/0x8000 -j DROP", "0x8000"), ("-j MARK --or-mark 0x6000", "0x4000 0x2000"),
    ],
)  # fmt: skip
def test_bits_that_others_touch(world, rule, bits):
    world.insert_rule("mangle", f"-A PREROUTING -i eth9 {rule}")
    comparison = world.node().comparison("foreign_marks")
    assert [key.split()[1] for key in comparison.differing] == bits.split()


def test_a_comment_tells_flannels_rules_outside_its_chains(world):
    world.insert_rule("nat", '-A POSTROUTING -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN')
    assert world.statuses()["foreign_marks"] == "right"


@pytest.mark.parametrize(("value", "status"), [(0x4000, "wrong"), (0x1, "right")])
def test_native_rules_that_ask_for_a_bit(world, value, status):
    left = {"&": [{"meta": {"key": "mark"}}, value]}
    rule = {"family": "inet", "table": "fw", "chain": "c", "handle": 3, "expr": [{"match": {"op": "==", "left": left, "right": value}}]}
    dump = json.loads(world.text("nft"))
    dump["nftables"] += [
        {"table": {"family": "inet", "name": "fw", "handle": 1}},
        {"chain": {"family": "inet", "table": "fw", "name": "c", "handle": 2}},
    ]
    world.write("nft", json.dumps({"nftables": [*dump["nftables"], {"rule": rule}]}))
    assert world.statuses()["foreign_marks"] == status


def test_flannel_may_be_told_to_leave_ports_alone(world):
    world.edit("iptables", '-s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
               '-s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE', count=1)  # fmt: skip
    assert world.wrong() == {"random_ports"}
    for container in flannel(world):
        container["args"].append("--ip-masq-fully-random-disable")
    assert world.wrong() == set()


def test_an_iptables_that_cannot_show_random_ports(world):
    world.edit("iptables", "v1.8.9", "v1.6.1")
    with pytest.raises(Inconclusive, match=r"iptables 1\.6\.1 knows no --random-fully"):
        world.node().comparison("random_ports")
