"""Faults in devices, tables, files and settings of a node: what must be wrong, and the text a person reads."""

import json

import pytest
from evidence_world import CONTROL, WORKER1, WORKER2

from pytest_k8snet.model.verdict import Inconclusive, NotApplicable

VTEP2 = "ae:36:c5:fa:62:b2"  # of worker2


def _edit_json(world, name, change):
    entries = json.loads(world.text(name))
    world.write(name, json.dumps(change(entries)))


def test_fdb_entry_missing(world):
    _edit_json(world, "fdb", lambda entries: [entry for entry in entries if entry["mac"] != VTEP2])
    assert world.wrong() == {"fdb"}
    assert world.node().explain("fdb") == (
        "k8snet-worker1: forwarding database of flannel.1 (bridge -j fdb show)\n"
        f"  {VTEP2}: expected 172.30.0.13 permanent, found nothing (VtepMAC of k8snet-worker2)"
    )


def test_fdb_entry_points_elsewhere(world):
    world.edit("fdb", '"dst":"172.30.0.13"', '"dst":"172.30.0.99"')
    assert f"{VTEP2}: expected 172.30.0.13 permanent, found 172.30.0.99 permanent" in world.node().explain("fdb")


def test_fdb_entry_of_a_node_that_left(world):
    stale = {"mac": "02:00:00:00:00:01", "ifname": "flannel.1", "dst": "172.30.0.14", "flags": ["self"], "state": "permanent"}
    _edit_json(world, "fdb", lambda entries: [*entries, stale])
    assert "02:00:00:00:00:01: expected nothing, found 172.30.0.14 permanent" in world.node().explain("fdb")


def test_fdb_entry_that_was_learnt_is_none(world):
    world.edit("fdb", '"dst":"172.30.0.13","flags":["self"],"state":"permanent"', '"dst":"172.30.0.13","flags":["self"],"state":""')
    assert world.wrong() == {"fdb"}


def test_neighbour_missing_wrong_or_not_permanent(world):
    world.edit("neighbours", '"lladdr":"ae:36:c5:fa:62:b2","state":["PERMANENT"]', '"lladdr":"ae:36:c5:fa:62:b2","state":["STALE"]')
    assert world.wrong() == {"neighbours"}
    assert "10.244.3.0: expected ae:36:c5:fa:62:b2 PERMANENT, found ae:36:c5:fa:62:b2 STALE" in world.node().explain("neighbours")
    assert "(tunnel address of k8snet-worker2)" in world.node().explain("neighbours")
    _edit_json(world, "neighbours", lambda entries: [entry for entry in entries if entry["dst"] != "10.244.3.0"])
    assert "10.244.3.0: expected ae:36:c5:fa:62:b2 PERMANENT, found nothing" in world.node().explain("neighbours")


def test_route_missing(world):
    _edit_json(world, "routes", lambda entries: [entry for entry in entries if entry["dst"] != "10.244.3.0/24"])
    assert "peer_routes" in world.wrong()
    text = world.node().explain("peer_routes")
    assert "10.244.3.0/24: expected via 10.244.3.0 dev flannel.1, found nothing (podCIDR of k8snet-worker2)" in text


def test_route_by_another_device(world):
    world.edit("routes", '"gateway":"10.244.3.0","dev":"flannel.1"', '"gateway":"172.30.0.1","dev":"eth0"')
    assert "expected via 10.244.3.0 dev flannel.1, found via 172.30.0.1 dev eth0" in world.node().explain("peer_routes")


def test_route_of_a_node_that_left(world):
    stale = {"dst": "10.244.9.0/24", "gateway": "10.244.9.0", "dev": "flannel.1", "flags": ["onlink"]}
    _edit_json(world, "routes", lambda entries: [*entries, stale])
    assert world.wrong() == {"peer_routes"}
    assert "10.244.9.0/24: expected nothing, found via 10.244.9.0 dev flannel.1" in world.node().explain("peer_routes")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"dst": "10.244.3.0/24", "gateway": "172.30.0.1", "dev": "eth0", "metric": 0}, "found via 172.30.0.1 dev eth0"),
        ({"dst": "10.244.3.0/24", "dev": "cni0", "scope": "link", "metric": 0}, "found dev cni0 scope link"),
        ({"dst": "10.244.3.0/24", "type": "blackhole", "dev": "lo", "metric": 0}, "found blackhole dev lo"),
    ],
    ids=["gateway", "link", "blackhole"],
)
@pytest.mark.parametrize("first", [True, False])
def test_the_route_with_the_lowest_metric_counts(world, extra, words, first):
    def both(entries):
        for entry in entries:
            if entry["dst"] == "10.244.3.0/24":
                entry["metric"] = 100
        return [extra, *entries] if first else [*entries, extra]

    _edit_json(world, "routes", both)
    assert world.wrong() == {"peer_routes"}
    text = world.node().explain("peer_routes")
    assert f"10.244.3.0/24: expected via 10.244.3.0 dev flannel.1, {words} (podCIDR of k8snet-worker2)" in text


@pytest.mark.parametrize("first", [True, False])
def test_a_route_with_a_higher_metric_does_not_count(world, first):
    idle = {"dst": "10.244.3.0/24", "gateway": "172.30.0.1", "dev": "eth0", "metric": 100}
    _edit_json(world, "routes", lambda entries: [idle, *entries] if first else [*entries, idle])
    assert world.wrong() == set()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"dst": "10.244.3.5", "dev": "eth0", "scope": "link"}, "10.244.3.5: expected nothing, found dev eth0 scope link"),
        (
            {"dst": "10.244.3.0/25", "gateway": "172.30.0.1", "dev": "eth0"},
            "10.244.3.0/25: expected nothing, found via 172.30.0.1 dev eth0",
        ),
        ({"dst": "10.244.3.128/25", "type": "unreachable", "dev": "lo"}, "10.244.3.128/25: expected nothing, found unreachable dev lo"),
        ({"dst": "10.244.3.1", "type": "local", "table": "local", "dev": "cni0"}, "10.244.3.1: expected nothing, found local dev cni0"),
        (
            {"dst": "10.244.3.0/26", "nexthops": [{"gateway": "172.30.0.1", "dev": "eth0"}, {"gateway": "172.30.0.2", "dev": "eth0"}]},
            "10.244.3.0/26: expected nothing, found via 172.30.0.1 dev eth0 via 172.30.0.2 dev eth0",
        ),
    ],
    ids=["link", "gateway", "unreachable", "local", "multipath"],
)
def test_a_route_to_a_part_of_a_peers_pod_cidr_is_wrong(world, extra, words):
    _edit_json(world, "routes", lambda entries: [*entries, {"flags": [], **extra}])
    assert world.wrong() == {"peer_routes"}
    assert f"{words} (inside the podCIDR of k8snet-worker2)" in world.node().explain("peer_routes")


def test_direct_routing_expects_the_peers_own_address(world):
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace('"Type": "vxlan"', '"Type": "vxlan", "DirectRouting": true')
    text = world.node().explain("peer_routes")
    assert "10.244.3.0/24: expected via 172.30.0.13 dev eth0, found via 10.244.3.0 dev flannel.1" in text


def test_tunnel_device_deleted(world):
    _edit_json(world, "links", lambda entries: [entry for entry in entries if entry["ifname"] != "flannel.1"])
    for name in ("fdb", "neighbours"):
        _edit_json(world, name, lambda entries: [e for e in entries if e.get("dev", e.get("ifname")) != "flannel.1"])
    assert {"fdb", "neighbours", "tunnel_mtu"} <= world.wrong()


def test_peer_without_annotations_is_unknown_not_right(world):
    del world.api_node(WORKER2)["metadata"]["annotations"]["flannel.alpha.coreos.com/public-ip"]
    for name in ("fdb", "neighbours", "peer_routes"):
        with pytest.raises(Inconclusive, match=r"node k8snet-worker2 has not the annotation flannel.alpha.coreos.com/public-ip"):
            world.node().comparison(name)


def test_tunnel_mtu(world):
    world.edit("links", '"mtu": 1450', '"mtu": 1300')
    assert world.wrong() == {"tunnel_mtu"}
    assert world.node().explain("tunnel_mtu") == (
        "k8snet-worker1: MTU of the tunnel device (ip -j -d link show)\n"
        "  flannel.1: expected 1450, found 1300 (MTU 1500 of eth0 minus 50 bytes for vxlan)"
    )


def test_host_gw_has_no_tunnel(world):
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace("vxlan", "host-gw")
    with pytest.raises(NotApplicable, match="backend host-gw has no tunnel device"):
        world.node().comparison("tunnel_mtu")


def test_forwarding_with_host_gw_asks_for_no_tunnel(world):
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace("vxlan", "host-gw")
    found = world.node().comparison("forwarding")
    assert (found.differences, "net.ipv4.conf.eth0.forwarding after the probes" in found.actual) == ((), True)


def test_subnet_env_missing(world):
    world.fail("subnet.env", "no such file")
    assert world.wrong() == {"subnet_keys", "subnet_values"}
    assert world.node().explain("subnet_keys") == "k8snet-worker1: /run/flannel/subnet.env\n  file: expected present, found missing"


def test_subnet_env_values(world):
    world.edit("subnet.env", "FLANNEL_NETWORK=10.244.0.0/16", "FLANNEL_NETWORK=10.4.0.0/16")
    world.edit("subnet.env", "FLANNEL_MTU=1450", "FLANNEL_MTU=1500")
    world.edit("subnet.env", "FLANNEL_IPMASQ=true", "FLANNEL_IPMASQ=false")
    assert world.wrong() == {"subnet_values"}
    text = world.node().explain("subnet_values")
    assert "FLANNEL_NETWORK: expected 10.244.0.0/16, found 10.4.0.0/16 (Network of net-conf.json)" in text
    assert "FLANNEL_MTU: expected 1450, found 1500 (MTU 1500 of eth0 minus 50 for vxlan)" in text
    assert "FLANNEL_IPMASQ: expected true, found false" in text


def test_subnet_env_follows_a_wrong_net_conf(world):
    world.edit("subnet.env", "FLANNEL_NETWORK=10.244.0.0/16", "FLANNEL_NETWORK=10.4.0.0/16")
    data = world.object("configmap/kube-flannel/kube-flannel-cfg")["data"]
    data["net-conf.json"] = data["net-conf.json"].replace("10.244.0.0/16", "10.4.0.0/16")
    assert world.wrong() == {"subnet_values"}
    assert world.node().explain("subnet_values") == (
        "k8snet-worker1: /run/flannel/subnet.env\n"
        "  FLANNEL_NETWORK holds the node's podCIDR: expected yes, found no, 10.244.1.0/24 is outside 10.4.0.0/16"
    )


def test_subnet_env_with_a_broken_network(world):
    world.edit("subnet.env", "FLANNEL_NETWORK=10.244.0.0/16", "FLANNEL_NETWORK=all")
    assert "found no, all is no network" in world.node().explain("subnet_values")


def test_subnet_env_lacks_a_key(world):
    world.edit("subnet.env", "FLANNEL_IPMASQ=true", "")
    assert world.wrong() == {"subnet_keys", "subnet_values"}
    assert "FLANNEL_IPMASQ: expected present, found missing" in world.node().explain("subnet_keys")


def test_cni_file_differs(world):
    world.edit("cni", '"hairpinMode": true', '"hairpinMode": false')
    assert world.wrong() == {"cni_file"}
    text = world.node().explain("cni_file")
    assert "/etc/cni/net.d/10-flannel.conflist against key cni-conf.json of ConfigMap kube-flannel/kube-flannel-cfg" in text
    assert 'hairpinMode": true' in text
    assert 'hairpinMode": false' in text


def test_cni_file_differs_in_its_last_byte(world):
    world.write("cni", world.text("cni") + "\n")
    assert world.wrong() == {"cni_file"}


def test_cni_file_missing(world):
    for fact in world.facts("cni"):
        fact["source"] = "/host/etc/cni/net.d/99-loopback.conf"
    text = world.node().explain("cni_file")
    assert "file: expected present, found missing (the directory holds 99-loopback.conf)" in text


def test_network_condition(world):
    for condition in world.api_node(WORKER1)["status"]["conditions"]:
        if condition["type"] == "NetworkUnavailable":
            condition.update(status="True", reason="NoRouteCreated", message="no route")
    assert world.wrong() == {"network_condition"}
    text = world.node().explain("network_condition")
    assert "NetworkUnavailable: expected False FlannelIsUp, found True NoRouteCreated (no route)" in text


def test_network_condition_never_set(world):
    status = world.api_node(WORKER1)["status"]
    status["conditions"] = [c for c in status["conditions"] if c["type"] != "NetworkUnavailable"]
    assert "found not set (flannel has never set it)" in world.node().explain("network_condition")


def test_forwarding_off_before_the_pods_only(world):
    world.write("ip-forward", "0\n", phase="before")
    assert world.wrong() == {"forwarding"}
    text = world.node().explain("forwarding")
    assert "net.ipv4.ip_forward before the first probe pod: expected 1, found 0" in text
    assert "after the probes" not in text


def test_forwarding_of_one_device_off(world):
    for fact in world.facts("forwarding"):
        if "/cni0/" in fact["source"]:
            fact["text"] = "0\n"
    assert world.node().explain("forwarding").endswith("net.ipv4.conf.cni0.forwarding after the probes: expected 1, found 0")


def test_forwarding_of_an_unused_device_does_not_matter(world):
    for fact in world.facts("forwarding"):
        if "/lo/" in fact["source"]:
            fact["text"] = "0\n"
    assert world.wrong() == set()


def test_bridged_traffic(world):
    world.write("bridge-nf", "0\n")
    assert "bridged_traffic" in world.wrong()
    assert "net.bridge.bridge-nf-call-iptables: expected 1, found 0" in world.node().explain("bridged_traffic")
    world.fail("bridge-nf", "no such file")
    assert "found br_netfilter is not loaded" in world.node().explain("bridged_traffic")


def test_node_file_with_a_loopback_server(world):
    world.write("resolv.conf", "nameserver 127.0.0.1\n")
    assert world.wrong() == {"resolver_file"}
    assert world.node().explain("resolver_file") == (
        "k8snet-worker1: /etc/resolv.conf (kubelet's resolvConf)\n"
        "  nameservers: expected one to three servers, none on loopback, found loopback 127.0.0.1 (127.0.0.1)"
    )
    assert world.wrong(CONTROL) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("search lan\n", "no server"),
        ("nameserver 9.9.9.9\nnameserver ::1\n", "loopback ::1"),
        ("nameserver 127.0.0.53\n", "loopback 127.0.0.53"),
        ("".join(f"nameserver 10.0.0.{i}\n" for i in range(4)), "4 servers, of which kubelet keeps 3"),
    ],
)
def test_node_file_with_unusable_servers(world, text, found):
    world.write("resolv.conf", text)
    assert f"found {found}" in world.node().explain("resolver_file")


def test_node_file_is_the_one_that_kubelet_names(world):
    world.object(f"configz/{WORKER1}")["kubeletconfig"]["resolvConf"] = "/run/systemd/resolve/resolv.conf"
    with pytest.raises(Inconclusive, match=r"/host/etc/resolv.conf was read instead of /run/systemd/resolve/resolv.conf"):
        world.node().comparison("resolver_file")
    world.facts("resolv.conf")[-1]["source"] = "/host/run/systemd/resolve/resolv.conf"
    assert world.node().explain("resolver_file").endswith("as expected")


def test_node_file_without_kubelets_configuration(world):
    world.recording.streams["objects"] = [e for e in world.recording.streams["objects"] if e["name"] != f"configz/{WORKER1}"]
    with pytest.raises(Inconclusive, match="configz"):
        world.node().comparison("resolver_file")


def test_entries_of_other_devices_do_not_count(world):
    world.edit("fdb", '"ifname":"flannel.1","dst":"172.30.0.13"', '"ifname":"vxlan9","dst":"172.30.0.13"')
    assert world.wrong() == {"fdb"}


def test_route_into_the_pod_network_by_the_uplink_is_surplus(world):
    stale = {"dst": "10.244.9.0/24", "gateway": "172.30.0.14", "dev": "eth0", "flags": []}
    _edit_json(world, "routes", lambda entries: [*entries, stale])
    assert world.wrong() == {"peer_routes", "ranges"}


def test_forwarding_of_the_uplink_must_have_been_read(world):
    for fact in world.facts("forwarding"):
        if "/eth0/" in fact["source"]:
            fact["source"] = fact["source"].replace("eth0", "eth9")
    with pytest.raises(Inconclusive, match=r"net.ipv4.conf.eth0.forwarding was not read after the probes"):
        world.node().comparison("forwarding")


def test_the_bridge_need_not_be_there_before_the_first_pod(world):
    world.recording.streams["facts"] = [
        fact for fact in world.recording.streams["facts"] if not ("/cni0/" in fact["source"] and fact["phase"] == "before")
    ]
    assert world.wrong() == set()


def test_a_file_that_could_not_be_read_is_unknown(world):
    for fact in world.facts("cni"):
        fact.update(ok=False, text="", error="permission denied")
    with pytest.raises(Inconclusive, match=r"/host/etc/cni/net.d/10-flannel.conflist was not read: permission denied"):
        world.node().comparison("cni_file")
