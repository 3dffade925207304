"""flannel's IPv6 state of a real dual-stack node, as it is and damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.evidence.node import NodeEvidence
from pytest_k8snet.model.probe import Family
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.verdict import Inconclusive, NotApplicable
from pytest_k8snet.parse.objects import inventory
from pytest_k8snet.plan.flannel import NetConf
from pytest_k8snet.plan.flannel_ipv6 import Host, near

DUAL = Path(__file__).parents[2] / "fixtures" / "recordings" / "healthy-dual.zip"
NODE, PEER = "k8snet-worker1", "k8snet-worker2"
ANNOTATION = "flannel.alpha.coreos.com/"


class Dual:
    """The recording, to be damaged."""

    def __init__(self):
        self.recording = Recording.read(DUAL)
        self.inventory = inventory(self.recording)

    @property
    def node(self):
        return NodeEvidence(self.recording, self.inventory, NODE)

    def annotations(self, name):
        for entry in self.recording.entries("objects", name="nodes"):
            yield from (item["metadata"]["annotations"] for item in entry["body"]["items"] if item["metadata"]["name"] == name)

    def entries(self, name, change):
        for fact in self.recording.entries("facts", node=NODE, name=name):
            fact["text"] = json.dumps(change(json.loads(fact["text"])))

    def backend(self, **values):
        for entry in self.recording.entries("objects", name="configmap/kube-flannel/kube-flannel-cfg"):
            conf = json.loads(entry["body"]["data"]["net-conf.json"])
            entry["body"]["data"]["net-conf.json"] = json.dumps({**conf, "Backend": values})

    @property
    def cidr(self):
        """The peer's IPv6 podCIDR."""
        return next(cidr for cidr in self.inventory.node(PEER).pod_cidrs if ":" in cidr)


@pytest.fixture
def dual():
    return Dual()


def test_a_healthy_node_has_device_routes_neighbours_and_entries(dual):
    assert dual.node.flannel_ipv6 == dual.node.expected_flannel_ipv6
    assert len(dual.node.flannel_ipv6) == 1 + 3 * 2
    assert dual.node.flannel_ipv6_rules == dual.node.expected_flannel_ipv6_rules
    assert set(dual.node.flannel_ipv6_rules.values()) == {"accepted by a rule", "source kept", "source masqueraded"}


@pytest.mark.parametrize("note", ["public-ipv6", "backend-v6-data"])
def test_without_an_annotation_nothing_is_known(dual, note):
    for notes in dual.annotations(PEER):
        notes.pop(ANNOTATION + note)
    with pytest.raises(Inconclusive, match=rf"node {PEER}.*{note}"):
        dual.node.flannel_ipv6  # noqa: B018


def test_an_overwritten_public_address_counts(dual):
    for notes in dual.annotations(PEER):
        notes[f"{ANNOTATION}public-ipv6-overwrite"] = "2001:DB8:0::1"
    assert "expected to 2001:db8::1 permanent" in dual.node.explain("flannel_ipv6")


def test_with_direct_routing_a_near_peer_needs_no_tunnel(dual):
    dual.backend(Type="vxlan", DirectRouting=True)
    address = dual.inventory.node(PEER).address(Family.IPV6)
    assert dual.node.expected_flannel_ipv6[f"route to {dual.cidr}"] == ("via", address, "dev", "eth0")
    assert not [key for key in dual.node.expected_flannel_ipv6 if key.startswith(("neighbour", "forwarding"))]
    assert f"route to {dual.cidr}: expected via {address} dev eth0, found via" in dual.node.explain("flannel_ipv6")


def test_host_gw_has_no_device(dual):
    dual.backend(Type="host-gw")
    assert sorted(key.split()[0] for key in dual.node.expected_flannel_ipv6) == ["route", "route"]


def test_another_backend_is_not_judged(dual):
    dual.backend(Type="wireguard")
    with pytest.raises(NotApplicable, match=r"vxlan and host-gw, not for wireguard"):
        dual.node.flannel_ipv6  # noqa: B018


def test_a_route_of_a_node_that_is_gone_is_surplus(dual):
    stale = {"dst": "fd00:10:244:99::/64", "gateway": "fd00:10:244:99::", "dev": "flannel-v6.1", "metric": 1024, "flags": ["onlink"]}
    dual.entries("routes", lambda routes: [*routes, stale])
    assert "route to fd00:10:244:99::/64: expected nothing, found via fd00:10:244:99:: dev flannel-v6.1" in dual.node.explain(
        "flannel_ipv6"
    )


def test_a_device_without_its_address_is_told(dual):
    def without(links):
        for link in links:
            if link["ifname"] == "flannel-v6.1":
                link["addr_info"] = []
        return links

    dual.entries("addresses", without)
    assert "address of flannel-v6.1: expected" in dual.node.explain("flannel_ipv6")
    assert "found no such device or address" in dual.node.explain("flannel_ipv6")


def test_rules_that_were_not_read_are_not_empty(dual):
    for fact in dual.recording.entries("facts", node=NODE, name="ip6tables"):
        fact.update(ok=False, error="no such tool: ip6tables-nft-save")
    with pytest.raises(Inconclusive, match=r"ip6tables .* was not read: no such tool"):
        dual.node.flannel_ipv6_rules  # noqa: B018


@pytest.mark.parametrize("name", ["flannel_ipv6", "flannel_ipv6_rules"])
def test_without_facts_nothing_passes(dual, name):
    dual.recording.streams["facts"].clear()
    with pytest.raises(Inconclusive, match=rf"{NODE}: \S+ was not read after the probes"):
        dual.node.comparison(name)


def test_subnet_env_has_two_keys_for_each_family(dual):
    wanted = {"FLANNEL_NETWORK", "FLANNEL_SUBNET", "FLANNEL_IPV6_NETWORK", "FLANNEL_IPV6_SUBNET", "FLANNEL_MTU", "FLANNEL_IPMASQ"}
    assert set(dual.node.subnet_keys) == wanted
    for fact in dual.recording.entries("facts", node=NODE, name="subnet.env"):
        fact["text"] = fact["text"].replace("FLANNEL_IPV6_SUBNET", "X")
    assert "FLANNEL_IPV6_SUBNET: expected present, found missing" in dual.node.explain("subnet_keys")


def test_in_a_cluster_of_ipv6_alone_checks_of_ipv4_do_not_apply(dual):
    dual.inventory = replace(dual.inventory, families=(Family.IPV6,))
    with pytest.raises(NotApplicable, match="IPv6 only"):
        dual.node.peer_routes  # noqa: B018


@given(st.ip_addresses(v=6), st.integers(1, 127), st.ip_addresses(v=6), st.booleans())
def test_a_peer_is_near_where_our_link_reaches_it(own, prefix, other, direct):
    peer = Host("n", IPv6Network("fd00::/64"), str(other), "")
    link = IPv6Interface((own, prefix))
    found = near(NetConf(None, "vxlan", direct=direct), [peer], [link])
    assert found == ({"n"} if direct and IPv6Address(other) in link.network else set())
    assert near(NetConf(None, "host-gw"), [peer], []) == {"n"}
