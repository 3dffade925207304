"""Addresses, flavours and the configurations made of them."""

from __future__ import annotations

import argparse
import json
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lab import addons, addresses, change, flavour, kubeadm, nft, podnet, rootfs
from lab.errors import UsageError
from lab.flavour import Flavour

FLAVOURS = st.builds(
    Flavour,
    flannel_backend=st.sampled_from(flavour.FLANNEL_BACKENDS),
    flannel_nftables=st.booleans(),
    proxy_mode=st.sampled_from(flavour.PROXY_MODES),
    rp_filter=st.integers(0, 2),
    workers=st.integers(1, addresses.MOST_WORKERS),
    families=st.sampled_from(addresses.FAMILIES),
    cni=st.sampled_from(flavour.CNIS),
    kubernetes=st.sampled_from(tuple(flavour.KUBERNETES)),
)


@given(st.integers(1, addresses.MOST_WORKERS))
def test_nodes_differ_and_fit(workers: int) -> None:
    nodes = addresses.nodes(workers)
    assert [one.name for one in nodes[:2]] == ["k8snet-control", "k8snet-worker1"]
    assert len({one.address for one in nodes}) == len({one.port for one in nodes}) == workers + 1
    assert all(IPv4Address(one.address) in addresses.UNDERLAY and len(one.port) <= 15 for one in nodes)


def test_no_two_networks_overlap() -> None:
    four = [addresses.UNDERLAY, addresses.INTERNET, addresses.RUNNER, addresses.PODS, addresses.SERVICES]
    six = [addresses.UNDERLAY6, addresses.INTERNET6, addresses.RUNNER6, addresses.PODS6, addresses.SERVICES6]
    for networks in (four, six):
        assert not [(a, b) for a in networks for b in networks if a is not b and a.overlaps(b)]


@given(st.integers(1, addresses.MOST_WORKERS))
def test_both_addresses_of_a_node_end_alike(workers: int) -> None:
    for one in addresses.nodes(workers):
        assert IPv6Address(one.address6) in addresses.UNDERLAY6
        assert one.address.rpartition(".")[2] == one.address6.rpartition(":")[2]


@given(FLAVOURS)
def test_flavour_survives_its_json(one: Flavour) -> None:
    assert flavour.from_dict(json.loads(json.dumps(one.as_dict()))) == one


def test_flavour_of_a_newer_lab_is_read() -> None:
    assert flavour.from_dict({"workers": 3, "colour": "blue"}) == Flavour(workers=3)


@given(FLAVOURS, FLAVOURS)
def test_differences_say_what_to_change(one: Flavour, other: Flavour) -> None:
    changes = {name: getattr(other, name) for name in one.differences(other)}
    assert one.changed(changes) == other


def _options(*argv: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    flavour.add_options(parser)
    return flavour.wanted(parser.parse_args(argv))


def test_options_not_given_keep_what_runs() -> None:
    running = Flavour(flannel_backend="host-gw", flannel_nftables=True, rp_filter=1)
    assert running.changed(_options()) == running
    assert running.changed(_options("--no-flannel-nftables", "--rp-filter", "0")) == Flavour(flannel_backend="host-gw")


@pytest.mark.parametrize("argv", [["--workers", "0"], ["--workers", "10"], ["--rp-filter", "3"], ["--families", "ipv5"]])
def test_values_that_cannot_be_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _options(*argv)
    assert "invalid choice" in capsys.readouterr().err


def test_kubeadm_configuration() -> None:
    text = kubeadm.init_config(Flavour(proxy_mode="nftables"), "v1.36.4")
    init, cluster, kubelet, proxy = yaml.safe_load_all(text)
    assert "taints" not in init["nodeRegistration"], "the control-plane node keeps kubeadm's taint"
    assert init["nodeRegistration"]["imagePullPolicy"] == "Never"
    assert "127.0.0.1" in cluster["apiServer"]["certSANs"]
    assert cluster["networking"] == {
        "podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/16", "dnsDomain": "cluster.local",
    }  # fmt: skip
    assert (kubelet["failCgroupV1"], kubelet["cgroupDriver"]) == (False, "cgroupfs")
    assert (proxy["mode"], proxy["conntrack"]) == ("nftables", {"maxPerCore": 0, "min": 0})


def test_join_configuration_names_the_node() -> None:
    joined = yaml.safe_load(kubeadm.join_config(addresses.worker(2), Flavour()))
    assert joined["nodeRegistration"]["name"] == "k8snet-worker2"
    assert joined["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "node-ip", "value": "172.30.0.13"}]


MANIFEST = """kind: Namespace
metadata: {name: kube-flannel}
---
# a comment that only an unmodified manifest still has
kind: ConfigMap
data:
  net-conf.json: '{"Network": "10.244.0.0/16", "EnableNFTables": false, "Backend": {"Type": "vxlan"}}'
"""


def test_default_flavour_leaves_the_manifest_alone() -> None:
    assert addons.flannel_manifest(MANIFEST, Flavour(proxy_mode="nftables", workers=1)) == MANIFEST


@pytest.mark.parametrize(("backend", "nftables"), [("host-gw", False), ("vxlan", True)])
def test_other_flavours_change_the_configmap_only(backend: str, nftables: bool) -> None:
    changed = addons.flannel_manifest(MANIFEST, Flavour(flannel_backend=backend, flannel_nftables=nftables))
    namespace, config = yaml.safe_load_all(changed)
    assert namespace == {"kind": "Namespace", "metadata": {"name": "kube-flannel"}}
    assert json.loads(config["data"]["net-conf.json"]) == {
        "Network": "10.244.0.0/16", "EnableNFTables": nftables, "Backend": {"Type": backend},
    }  # fmt: skip


def test_nodes_resolve_by_the_labs_internet() -> None:
    assert rootfs.resolver() == "nameserver 198.51.100.53\n"
    assert "172.30.0.12 k8snet-worker1\n" in rootfs.hosts()


def test_runner_rules_serve_the_api_on_loopback_only() -> None:
    rule = "ip daddr 127.0.0.1 tcp dport 46443 dnat to 172.30.0.11:6443;"
    assert nft.runner_rules().count("dnat") == 1
    assert rule in nft.runner_rules()


def test_a_dual_cluster_has_both_families_ipv4_first() -> None:
    init, cluster, *_ = yaml.safe_load_all(kubeadm.init_config(Flavour(families="dual"), "v1.36.4"))
    assert init["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "node-ip", "value": "172.30.0.11,fd00:172:30::11"}]
    assert cluster["networking"]["podSubnet"] == "10.244.0.0/16,fd00:10:244::/56"
    assert cluster["networking"]["serviceSubnet"] == "10.96.0.0/16,fd00:10:96::/112"


def test_an_ipv6_cluster_joins_by_ipv6_and_answers_the_runner_by_ipv4() -> None:
    joined = yaml.safe_load(kubeadm.join_config(addresses.worker(1), Flavour(families="ipv6")))
    assert joined["discovery"]["bootstrapToken"]["apiServerEndpoint"] == "[fd00:172:30::11]:6443"
    init, cluster, *_ = yaml.safe_load_all(kubeadm.init_config(Flavour(families="ipv6"), "v1.36.4"))
    assert init["localAPIEndpoint"]["advertiseAddress"] == "fd00:172:30::11"
    assert "172.30.0.11" in cluster["apiServer"]["certSANs"]
    assert "table ip6 labguard" in nft.guard_rules("ipv6")
    assert "dnat to [fd00:172:30::11]:6443" in nft.guard_rules("ipv6")
    assert rootfs.resolver("ipv6") == "nameserver 2001:db8:198:51::53\n"


@pytest.mark.parametrize(
    ("families", "added"),
    [("dual", {"EnableIPv4": True, "EnableIPv6": True}), ("ipv6", {"EnableIPv4": False, "EnableIPv6": True}), ("ipv4", {})],
)
def test_flannel_is_told_the_families(families: str, added: dict[str, bool]) -> None:
    conf = json.loads(addons.net_conf('{"Network": "10.244.0.0/16"}', Flavour(families=families)))
    assert {name: value for name, value in conf.items() if name.startswith("EnableIP")} == added
    assert conf.get("IPv6Network") == ("fd00:10:244::/56" if added else None)


def test_direct_routing_is_a_vxlan_backend() -> None:
    conf = json.loads(addons.net_conf("{}", Flavour(flannel_backend="vxlan-direct")))
    assert conf["Backend"] == {"Type": "vxlan", "DirectRouting": True}


DAEMONSET = "kind: DaemonSet\nspec: {template: {spec: {containers: [{name: kube-flannel, securityContext: {privileged: false}}]}}}\n"


@pytest.mark.parametrize("backend", flavour.FLANNEL_BACKENDS)
def test_only_the_udp_backend_opens_the_tun_device(backend: str) -> None:
    (made,) = yaml.safe_load_all(addons.flannel_manifest(DAEMONSET, Flavour(flannel_backend=backend)))
    assert made["spec"]["template"]["spec"]["containers"][0]["securityContext"] == {"privileged": backend == "udp"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("vxlan", "host-gw", ["ip link delete"]),
        ("vxlan-direct", "udp", ["ip link delete", "ip route delete"]),
        ("vxlan", "vxlan-direct", ["ip neigh flush"]),
        ("vxlan-direct", "vxlan", []),
        ("host-gw", "udp", ["ip route delete"]),
        ("udp", "vxlan", []),
    ],
)
def test_what_a_backend_leaves_behind_is_removed(old: str, new: str, words: list[str]) -> None:
    scripts = change.leftovers(Flavour(flannel_backend=old), Flavour(flannel_backend=new))
    assert len(scripts) == len(words)
    assert all(word in script for word, script in zip(words, scripts, strict=True))


def test_leftovers_of_both_families() -> None:
    before, wanted = Flavour(families="dual"), Flavour(families="dual", flannel_backend="host-gw", flannel_nftables=True)
    devices, rules = change.leftovers(before, wanted)
    assert "for one in flannel.1 flannel-v6.1;" in devices
    assert "for tables in iptables ip6tables;" in rules


def test_flavours_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="udp backend carries IPv4 only"):
        flavour.choose(Flavour(families="dual"), {"flannel_backend": "udp"})
    with pytest.raises(UsageError, match="--cni bridge runs no flannel: leave out --flannel-backend"):
        flavour.choose(Flavour(), {"cni": "bridge", "flannel_backend": "host-gw"})


@given(FLAVOURS)
def test_without_flannel_a_flavour_has_nothing_of_it(one: Flavour) -> None:
    chosen = flavour.choose(one, {"cni": "ptp"})
    assert (chosen.flannel_backend, chosen.flannel_nftables) == ("vxlan", False)
    assert str(chosen).startswith("CNI plugin ptp with static routes, ")


@given(FLAVOURS, FLAVOURS)
def test_only_what_kubeadm_decides_needs_a_new_cluster(one: Flavour, other: Flavour) -> None:
    decided = (one.families, one.cni, one.kubernetes) != (other.families, other.cni, other.kubernetes)
    assert one.needs_new_cluster(other) is decided


def test_every_line_of_kubernetes_is_pinned() -> None:
    for line, folder in flavour.KUBERNETES.items():
        assert f"\tk8s.io/kubernetes v{line}." in (Path(flavour.__file__).parent / "tools" / folder / "go.mod").read_text()


SUBNETS = {
    "control": [ip_network("10.244.0.0/24"), ip_network("fd00:10:244::/64")],
    "worker": [ip_network("10.244.2.0/24"), ip_network("fd00:10:244:2::/64")],
}


def test_static_routes_lead_to_the_peers_own_addresses() -> None:
    assert podnet.routes({addresses.worker(1): SUBNETS["worker"]}) == [
        "route replace 10.244.2.0/24 via 172.30.0.12",
        "route replace fd00:10:244:2::/64 via fd00:172:30::12",
    ]


def test_the_bridge_plugin_gets_the_nodes_subnets() -> None:
    bridge, portmap = json.loads(podnet.conflist("bridge", SUBNETS["control"]))["plugins"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.0.0/24"}], [{"subnet": "fd00:10:244::/64"}]]
    assert (bridge["type"], bridge["hairpinMode"], portmap["type"]) == ("bridge", True, "portmap")
    assert "ipMasq" not in bridge, "it would hide a pod from pods of other nodes"


def test_the_ptp_plugin_gets_a_default_route_for_each_family() -> None:
    ptp = json.loads(podnet.conflist("ptp", SUBNETS["worker"]))["plugins"][0]
    assert (ptp["type"], ptp["ipam"]["routes"]) == ("ptp", [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}])


def test_pods_are_hidden_from_what_is_no_pod_only() -> None:
    rules = podnet.masquerade_rules("dual")
    assert "ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade;" in rules
    assert "ip6 saddr fd00:10:244::/56 ip6 daddr != fd00:10:244::/56 masquerade;" in rules
    assert "ip6" not in podnet.masquerade_rules("ipv4")
