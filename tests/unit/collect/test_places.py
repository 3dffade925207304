"""Where endpoints are, family by family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k8snet.collect import fleet_status
from pytest_k8snet.collect.addresses import AddressBook, NoAddress
from pytest_k8snet.collect.requests import RequestBuilder, Sampling
from pytest_k8snet.model.probe import Family, Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.parse import places
from pytest_k8snet.parse.objects import inventory

HEALTHY = Path(__file__).parents[2] / "fixtures" / "recordings" / "healthy-vxlan-iptables.zip"
FOUR, SIX = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)


@given(FOUR, SIX, st.booleans())
def test_each_family_has_its_own(four, six, swapped):
    both = [six, four] if swapped else [four, six]
    pod, service = {"ip": both[0], "ips": both}, {"cluster_ip": both[0], "cluster_ips": both}
    for place, entry in ((places.pod_address, pod), (places.service_address, service)):
        assert (place(entry, Family.IPV4), place(entry, Family.IPV6)) == (four, six)


@given(st.one_of(FOUR, SIX))
def test_one_address_is_of_one_family(address):
    family = Family.of(address)
    other = next(one for one in Family if one is not family)
    assert (places.pod_address({"ip": address}, family), places.pod_address({"ip": address}, other)) == (address, "")
    assert places.service_address({"cluster_ip": address, "cluster_ips": []}, family) == address
    assert places.pod_address({"ip": "", "ips": []}, family) == ""


def test_a_pod_says_all_its_addresses():
    pod = {"status": {"podIP": "10.4.1.7", "podIPs": [{"ip": "10.4.1.7"}, {"ip": "fd00::7"}, {}]}}
    assert fleet_status.where(pod) == {"ip": "10.4.1.7", "ips": ["10.4.1.7", "fd00::7"]}
    assert fleet_status.where({"status": {}}) == {"ip": "", "ips": []}


@pytest.fixture
def dual():
    """A recording of one family, of which w1's pod, the node and `web` have both."""
    recording = Recording.read(HEALTHY)
    entry = next(recording.entries("fleet", endpoint="pod/a@k8snet-worker1"))
    entry["ips"] = [entry["ip"], "fd00::7"]
    web = next(recording.entries("events", what="service", name="web"))
    web["cluster_ips"] = [web["cluster_ip"], "fd00:96::80"]
    found = inventory(recording)
    nodes = tuple(replace(node, internal_ips=(*node.internal_ips, f"fd00:30::{number}")) for number, node in enumerate(found.nodes))
    return RequestBuilder(AddressBook(replace(found, nodes=nodes), recording), {}, 2.0)


@pytest.mark.parametrize(
    ("target", "address"),
    [("pod/a@k8snet-worker1", "fd00::7"), ("service/web", "fd00:96::80"), ("node-port/web@k8snet-worker1", "fd00:30::1")],
)
def test_a_probe_over_ipv6_goes_to_the_ipv6_address(dual, target, address):
    request = dual.build(Probe.parse(f"tcp6:pod/b@k8snet-worker2>{target}"), Sampling())
    assert (request["address"], request["family"]) == (address, "ipv6")


def test_what_has_no_address_of_the_family_is_named(dual):
    with pytest.raises(NoAddress, match="pod/a@k8snet-worker2 has no ipv6 address"):
        dual.build(Probe.parse("tcp6:pod/a@k8snet-worker1>pod/a@k8snet-worker2"), Sampling())
