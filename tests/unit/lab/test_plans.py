"""Addresses, flavours and the configurations made of them."""

from __future__ import annotations

import argparse
import json
from ipaddress import IPv4Address

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lab import addons, addresses, flavour, kubeadm, nft, rootfs
from lab.flavour import Flavour

FLAVOURS = st.builds(
    Flavour,
    flannel_backend=st.sampled_from(flavour.FLANNEL_BACKENDS),
    flannel_nftables=st.booleans(),
    proxy_mode=st.sampled_from(flavour.PROXY_MODES),
    rp_filter=st.integers(0, 2),
    workers=st.integers(1, addresses.MOST_WORKERS),
)


@given(st.integers(1, addresses.MOST_WORKERS))
def test_nodes_differ_and_fit(workers: int) -> None:
    nodes = addresses.nodes(workers)
    assert [one.name for one in nodes[:2]] == ["k8snet-control", "k8snet-worker1"]
    assert len({one.address for one in nodes}) == len({one.port for one in nodes}) == workers + 1
    assert all(IPv4Address(one.address) in addresses.UNDERLAY and len(one.port) <= 15 for one in nodes)


def test_no_two_networks_overlap() -> None:
    networks = [addresses.UNDERLAY, addresses.INTERNET, addresses.RUNNER, addresses.PODS, addresses.SERVICES]
    assert not [(a, b) for a in networks for b in networks if a is not b and a.overlaps(b)]


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


@pytest.mark.parametrize("argv", [["--workers", "0"], ["--workers", "10"], ["--rp-filter", "3"], ["--families", "ipv6"]])
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
    joined = yaml.safe_load(kubeadm.join_config(addresses.worker(2)))
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
