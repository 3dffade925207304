"""flannel's expected state from annotations and net-conf.json alone."""

from ipaddress import IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive
from pytest_k8snet.plan import flannel

NET = IPv4Network("10.4.0.0/16")
LINKS = [IPv4Interface("172.30.0.11/24")]
PEERS = (
    flannel.Host("near", IPv4Network("10.4.1.0/24"), "172.30.0.12", "02:00:00:00:00:01"),
    flannel.Host("far", IPv4Network("10.4.2.0/24"), "172.31.0.9", "02:00:00:00:00:02"),
)


def _recording(text):
    recording = Recording()
    body = {"data": {"net-conf.json": text}}
    recording.append("objects", {"name": "configmap/kube-flannel/kube-flannel-cfg", "status": 200, "body": body})
    return recording


def _node(name="n", cidr="10.4.0.0/24", **notes):
    annotations = {f"{flannel.PREFIX}{key.replace('_', '-')}": value for key, value in notes.items()}
    return {"metadata": {"name": name, "annotations": annotations}, "spec": {"podCIDR": cidr}}


def test_net_conf():
    backend = '{"Type": "vxlan", "VNI": 7, "DirectRouting": true, "MTU": 1400}'
    conf = flannel.net_conf(_recording(f'{{"Network": "10.4.0.0/16", "Backend": {backend}}}'))
    assert conf == flannel.NetConf(NET, "vxlan", 7, True, 1400)
    assert conf.device == "flannel.7"


def test_net_conf_keys_in_any_case():
    conf = flannel.net_conf(_recording('{"network": "10.4.0.0/16", "backend": {"type": "host-gw"}, "enableNFTables": true}'))
    assert conf == flannel.NetConf(NET, "host-gw", nftables=True)
    assert conf.device == ""


def test_without_a_backend_flannel_takes_udp():
    assert flannel.net_conf(_recording('{"Network": "10.4.0.0/16"}')).backend == "udp"


@pytest.mark.parametrize("text", ["{", "[]", '{"Network": "10.4"}', '{"Network": "10.4.0.0/8", "Backend": 3}', '{"Backend": {"VNI": "x"}}'])
def test_net_conf_that_cannot_be_understood(text):
    with pytest.raises(Inconclusive, match=r"kube-flannel/kube-flannel-cfg: net-conf.json cannot be understood"):
        flannel.net_conf(_recording(text))


def test_no_config_map():
    with pytest.raises(Inconclusive, match="ConfigMap kube-flannel-cfg was not read in kube-flannel or kube-system"):
        flannel.net_conf(Recording())


def test_host():
    data = '{"VtepMAC": "02:AA:00:00:00:01"}'
    found = flannel.host(_node(public_ip="172.30.0.12", backend_data=data), "vxlan")
    assert found == flannel.Host("n", IPv4Network("10.4.0.0/24"), "172.30.0.12", "02:aa:00:00:00:01")
    assert found.gateway == "10.4.0.0"


def test_public_ip_overwrite_is_what_peers_see():
    found = flannel.host(_node(public_ip="10.0.2.15", public_ip_overwrite="172.30.0.12"), "host-gw")
    assert found.public_ip == "172.30.0.12"


@pytest.mark.parametrize(
    ("node", "missing"),
    [
        (_node(backend_data='{"VtepMAC": "02:00:00:00:00:01"}'), "annotation flannel.alpha.coreos.com/public-ip"),
        (_node(cidr="", public_ip="1.2.3.4", backend_data='{"VtepMAC": "02:00:00:00:00:01"}'), "an IPv4 podCIDR"),
        (_node(public_ip="1.2.3.4"), "backend-data '' holds no VtepMAC"),
        (_node(public_ip="1.2.3.4", backend_data="null"), "backend-data 'null' holds no VtepMAC"),
    ],
)
def test_host_that_has_not_registered(node, missing):
    with pytest.raises(Inconclusive, match=missing) as error:
        flannel.host(node, "vxlan")
    assert "node n" in str(error.value)


@pytest.mark.parametrize(
    ("conf", "near", "far"),
    [
        (flannel.NetConf(NET, "vxlan"), ("10.4.1.0", "flannel.1"), ("10.4.2.0", "flannel.1")),
        (flannel.NetConf(NET, "vxlan", direct=True), ("172.30.0.12", "eth0"), ("10.4.2.0", "flannel.1")),
        (flannel.NetConf(NET, "host-gw"), ("172.30.0.12", "eth0"), ("172.31.0.9", "eth0")),
        (flannel.NetConf(NET, "ipip"), ("172.30.0.12", "flannel.ipip"), ("172.31.0.9", "flannel.ipip")),
    ],
)
def test_routes(conf, near, far):
    assert flannel.routes(conf, PEERS, "eth0", LINKS) == {"10.4.1.0/24": near, "10.4.2.0/24": far}


def test_neighbours_and_fdb():
    assert flannel.neighbours(PEERS) == {"10.4.1.0": "02:00:00:00:00:01", "10.4.2.0": "02:00:00:00:00:02"}
    assert flannel.fdb(PEERS) == {"02:00:00:00:00:01": "172.30.0.12", "02:00:00:00:00:02": "172.31.0.9"}


@pytest.mark.parametrize(("backend", "mtu"), [("vxlan", 1450), ("udp", 1472), ("ipip", 1480), ("wireguard", 1420), ("host-gw", 1500)])
def test_tunnel_mtu(backend, mtu):
    assert flannel.tunnel_mtu(flannel.NetConf(NET, backend), 1500) == mtu


def test_configured_mtu_counts_instead_of_the_devices():
    assert flannel.tunnel_mtu(flannel.NetConf(NET, "vxlan", mtu=1400), 9000) == 1350


@given(st.integers(0, 255), st.integers(18, 28))
def test_subnet_is_the_first_address_with_the_mask_of_the_pod_cidr(third, prefix):
    cidr = IPv4Network(f"10.4.{third}.0/{prefix}", strict=False)
    found = flannel.subnet_env(flannel.NetConf(NET, "vxlan"), flannel.Host("n", cidr, "1.2.3.4", ""), 1500)
    own = IPv4Interface(found["FLANNEL_SUBNET"])
    assert own.network == cidr
    assert int(own.ip) == int(cidr.network_address) + 1
    assert (found["FLANNEL_NETWORK"], found["FLANNEL_MTU"], found["FLANNEL_IPMASQ"]) == ("10.4.0.0/16", "1450", "true")
