"""From a probe of the plan to the request that an agent gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_k8snet.collect.addresses import AddressBook, NoAddress
from pytest_k8snet.collect.questions import Names
from pytest_k8snet.collect.requests import RequestBuilder, Sampling
from pytest_k8snet.model.probe import Probe
from pytest_k8snet.model.recording import Recording
from pytest_k8snet.model.settings import Settings
from pytest_k8snet.parse.objects import inventory

HEALTHY = Path(__file__).parents[2] / "fixtures" / "recordings" / "healthy-vxlan-iptables.zip"
SETTINGS = Settings(external=("tcp://198.51.100.10:80", "dns://198.51.100.53/www.example.test"))


@pytest.fixture
def recording() -> Recording:
    return Recording.read(HEALTHY)


@pytest.fixture
def builder(recording):
    return build(recording, SETTINGS)


def build(recording, settings=SETTINGS):
    known = inventory(recording)
    return RequestBuilder(AddressBook(known, recording), Names(settings, known, recording), 2.0)


def space(recording):
    return next(recording.entries("events", what="namespace", tier="restricted"))["name"]


def pod(recording, endpoint):
    return next(recording.entries("fleet", endpoint=endpoint))


@pytest.mark.parametrize("target", ["pod/a@k8snet-worker2", "host@k8snet-worker1", "pod/hostdns@k8snet-control"])
def test_a_probe_pod_is_asked_at_its_own_address_and_must_answer_itself(builder, recording, target):
    request = builder.build(Probe.parse(f"tcp4:pod/b@k8snet-control>{target}"), Sampling())
    entry = pod(recording, target)
    assert (request["address"], request["port"], request["expect"]) == (entry["ip"], entry["port"], target)
    assert (request["samples"], request["warmup"], request["timeout"]) == (3, 1, 2.0)


def test_any_agent_of_the_run_may_answer_for_a_service(builder, recording):
    web = next(recording.entries("events", what="service", name="web"))
    request = builder.build(Probe.parse("udp4:host@k8snet-worker1>service/web"), Sampling(3, 1, 3, 90))
    assert (request["address"], request["port"], request["expect"]) == (web["cluster_ip"], 80, None)
    assert (request["until"], request["max"]) == (3, 90)


def test_a_node_port_is_asked_at_the_address_of_the_node_and_the_port_of_the_protocol(recording):
    next(recording.entries("events", what="service", name="web"))["node_ports"].update(tcp=30001, udp=30002)
    builder = build(recording)
    request = builder.build(Probe.parse("udp4:outside/runner>node-port/web@k8snet-worker2"), Sampling())
    assert (request["address"], request["port"]) == ("172.30.0.13", 30002)


def test_a_stranger_is_only_connected_to(builder):
    request = builder.build(Probe.parse("tcp4:pod/a@k8snet-worker1>outside/tcp://198.51.100.10:80"), Sampling())
    assert (request["address"], request["port"], request["echo"]) == ("198.51.100.10", 80, False)


@pytest.mark.parametrize("action", ["tcp", "udp"])
def test_refusals_are_not_practised(builder, action):
    request = builder.build(Probe.parse(f"{action}4:pod/b@k8snet-worker1>service/empty"), Sampling())
    assert (request["samples"], request["warmup"]) == (3, 0)


def test_the_api_is_asked_at_its_service_and_at_each_endpoint(builder):
    service = builder.build(Probe.parse("tls4:pod/a@k8snet-worker1>api/service"), Sampling())
    endpoint = builder.build(Probe.parse("tls4:pod/a@k8snet-worker1>api/172.30.0.11:6443"), Sampling())
    assert (service["address"], service["port"]) == ("10.96.0.1", 443)
    assert (endpoint["address"], endpoint["port"]) == ("172.30.0.11", 6443)
    assert {one["warmup"] for one in (service, endpoint)} == {0}


def test_the_largest_packet_is_not_to_be_fragmented(builder):
    request = builder.build(Probe.parse("icmp4+df-mtu:pod/a@k8snet-worker1>pod/a@k8snet-worker2"), Sampling())
    assert (request["size"], request["df"]) == ("mtu", True)


@pytest.mark.parametrize(
    ("probe", "transport", "name"),
    [
        ("resolve4+udp-cluster:pod/a@k8snet-worker1>resolver", "udp", "kubernetes.default.svc.cluster.local."),
        ("resolve4+tcp-short:pod/a@k8snet-worker1>resolver", "tcp", "web"),
        ("resolve4+tcp-short:host@k8snet-worker1>resolver", "tcp", "kubernetes.default"),
        ("resolve4+udp-external-absolute:pod/a@k8snet-worker1>resolver", "udp", "www.example.test."),
        ("resolve4+udp-private:pod/none@k8snet-worker1>resolver", "udp", "who"),
    ],
)
def test_a_question_becomes_the_name_that_this_source_asks_for(builder, probe, transport, name):
    request = builder.build(Probe.parse(probe), Sampling())
    assert (request["transport"], request["name"]) == (transport, name)
    assert "address" not in request


@pytest.mark.parametrize(
    ("question", "kind", "name"),
    [
        ("web-srv-tcp", "SRV", "_tcp._tcp.web.{space}.svc.cluster.local."),
        ("kubernetes-ptr", "PTR", "1.0.96.10.in-addr.arpa."),
        ("web-aaaa", "AAAA", "web.{space}.svc.cluster.local."),
        ("alias-cname", "CNAME", "alias.{space}.svc.cluster.local."),
        ("own-a", "A", "a-1-k8snet-worker1.peers.{space}.svc.cluster.local."),
    ],
)
def test_records_are_asked_for_by_name_and_type(builder, recording, question, kind, name):
    request = builder.build(Probe.parse(f"query4+udp-{question}:pod/a@k8snet-worker1>service/kube-dns"), Sampling())
    assert (request["type"], request["name"]) == (kind, name.format(space=space(recording)))


def test_a_name_that_lacks_its_part_is_not_asked(recording):
    pod(recording, "pod/a@k8snet-worker1")["spec"] = {}
    recording.streams["events"] = [event for event in recording.streams["events"] if event.get("name") != "web"]
    builder = build(recording)
    for question, why in (("own-a", "this pod has none"), ("web-ptr", "its Service has no ClusterIP in this run")):
        with pytest.raises(NoAddress, match=f"{question} cannot be asked: {why}"):
            builder.build(Probe.parse(f"query4+udp-{question}:pod/a@k8snet-worker1>service/kube-dns"), Sampling())


def test_a_query_goes_to_the_dns_service_with_and_without_edns(builder, recording):
    plain = builder.build(Probe.parse("query4+udp-big:pod/a@k8snet-worker1>service/kube-dns"), Sampling())
    edns = builder.build(Probe.parse("query4+udp-edns-big:pod/a@k8snet-worker1>service/kube-dns"), Sampling())
    assert (plain["server"], plain["edns"], plain["name"]) == ("10.96.0.10", 0, f"big.{space(recording)}.svc.cluster.local.")
    assert (edns["edns"], edns["name"]) == (1232, plain["name"])


def test_nonces_differ_from_request_to_request(builder):
    probe = Probe.parse("tcp4:pod/a@k8snet-worker1>pod/a@k8snet-worker2")
    assert builder.build(probe, Sampling())["nonce"] != builder.build(probe, Sampling())["nonce"]


def test_without_a_declared_server_the_external_name_cannot_be_asked(recording):
    probe = Probe.parse("resolve4+udp-external:pod/a@k8snet-worker1>resolver")
    with pytest.raises(NoAddress, match="external cannot be asked: no external name is declared"):
        build(recording, replace(SETTINGS, external=())).build(probe, Sampling())


def test_a_pod_that_did_not_start_has_no_address_and_its_problem_is_said(recording):
    entry = pod(recording, "pod/a@k8snet-worker2")
    recording.streams["fleet"].remove(entry)
    recording.append("fleet", {**entry, "problem": "ImagePullBackOff on k8snet-worker2"})
    builder = build(recording)
    with pytest.raises(NoAddress, match="pod/a@k8snet-worker2 is not there: ImagePullBackOff on k8snet-worker2"):
        builder.build(Probe.parse("tcp4:pod/a@k8snet-worker1>pod/a@k8snet-worker2"), Sampling())


@pytest.mark.parametrize("change", [{"address": ""}, {"port": 0}])
def test_without_an_echo_here_nobody_is_sent_to_the_runner(recording, change):
    next(recording.entries("events", what="runner")).update(change)
    builder = build(recording)
    with pytest.raises(NoAddress, match="this process serves no echo"):
        builder.build(Probe.parse("tcp4:pod/a@k8snet-worker1>outside/runner"), Sampling())


def test_a_service_is_asked_by_its_name_at_the_address_that_it_should_give(builder, recording):
    web = next(recording.entries("events", what="service", name="web"))
    request = builder.build(Probe.parse("tcp4+by-name:pod/b@k8snet-worker1>service/web"), Sampling())
    assert (request["name"], request["type"], request["address"]) == ("web", "A", web["cluster_ip"])


def test_the_other_port_is_none_of_the_service(builder):
    request = builder.build(Probe.parse("tcp4+other-port:pod/b@k8snet-worker1>service/web"), Sampling(1))
    assert (request["port"], request["samples"], request["warmup"]) == (81, 1, 0)


def test_a_node_port_is_asked_at_localhost(builder, recording):
    web = next(recording.entries("events", what="service", name="web"))
    request = builder.build(Probe.parse("tcp4:host@k8snet-worker1>loopback/web@k8snet-worker1"), Sampling())
    assert (request["address"], request["port"], request["expect"]) == ("127.0.0.1", web["node_ports"]["tcp"], None)


@pytest.mark.parametrize(("detail", "size"), [("df-mtu", "mtu"), ("df-over", "mtu+1")])
def test_packets_that_must_not_be_fragmented(builder, detail, size):
    request = builder.build(Probe.parse(f"icmp4+{detail}:pod/a@k8snet-worker1>pod/a@k8snet-worker2"), Sampling())
    assert (request["size"], request["df"]) == (size, True)
