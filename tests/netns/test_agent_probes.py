"""What probes say about a routed path: reached with the source, TTL and MSS as they arrived, or how it failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .agents import Agent, Stream
from .world import World

Pair = Callable[..., Agent]
SERVER = "10.2.0.1"


@pytest.fixture
def stream(pair: Pair) -> Stream:
    return pair().stream()


def only(samples: list[dict[str, Any]]) -> dict[str, Any]:
    [sample] = samples
    return sample


@pytest.mark.parametrize("action", ["tcp", "udp"])
def test_reached_behind_a_router(stream: Stream, action: str):
    sample = only(stream.probe(action, SERVER, expect="pod/b@two"))
    assert sample["outcome"] == "reached"
    seen = {key: sample["reply"][key] for key in ("server", "peer", "local", "ttl", "nonce")}
    assert seen == {"server": "pod/b@two", "peer": "10.1.0.1", "local": SERVER, "ttl": 63, "nonce": sample["nonce"]}
    assert sample["detail"]["local"] == "10.1.0.1"
    assert 0 < sample["seconds"] < 1


def test_mss_is_that_of_the_syn(world: World, stream: Stream):
    assert only(stream.probe("tcp", SERVER))["reply"]["mss"] == 1460
    world["router"].run("iptables", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "--syn", "-j", "TCPMSS", "--set-mss", "1000")
    assert only(stream.probe("tcp", SERVER))["reply"]["mss"] == 1000


def test_icmp_reply_with_its_ttl(stream: Stream):
    sample = only(stream.probe("icmp", SERVER))
    assert (sample["outcome"], sample["reply"]) == ("reached", {"from": SERVER, "ttl": 63})


def test_ttl_64_without_a_router(world: World, agent: Callable[..., Agent]):
    world.bridge("node", "cni0", "10.244.1.1/24")
    world.plug("a", "10.244.1.2/24", "node", "cni0")
    world.plug("b", "10.244.1.3/24", "node", "cni0")
    agent("b", "pod/b@one")
    stream = agent("a", "pod/a@one").stream()
    assert stream.ask("wait", address="10.244.1.3", port=7801)[0]["reached"]
    ttls = [only(stream.probe(action, "10.244.1.3"))["reply"]["ttl"] for action in ("tcp", "udp", "icmp")]
    assert ttls == [64, 64, 64]


@pytest.mark.parametrize("action", ["tcp", "udp", "icmp", "bulk"])
def test_ipv6(pair: Pair, action: str):
    sample = only(pair(ipv6=True).stream().probe(action, "fd02::1"))
    assert sample["outcome"] == "reached"
    assert sample["reply"]["ttl"] == 63
    assert sample["reply"].get("peer", "fd01::1") == "fd01::1"


@pytest.mark.parametrize("action", ["tcp", "udp"])
def test_source_address_after_snat(world: World, stream: Stream, action: str):
    world["router"].run("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "server", "-j", "MASQUERADE")
    sample = only(stream.probe(action, SERVER))
    assert (sample["outcome"], sample["reply"]["peer"], sample["detail"]["local"]) == ("reached", "10.2.0.254", "10.1.0.1")


@pytest.mark.parametrize("action", ["tcp", "udp"])
def test_virtual_address_shows_the_real_one(world: World, stream: Stream, action: str):
    rule = ["-d", "10.96.0.10", "-p", action, "--dport", "80", "-j", "DNAT", "--to-destination", f"{SERVER}:7801"]
    world["router"].run("iptables", "-t", "nat", "-A", "PREROUTING", *rule)
    sample = only(stream.probe(action, "10.96.0.10", port=80))
    assert (sample["outcome"], sample["reply"]["local"], sample["reply"]["server"]) == ("reached", SERVER, "pod/b@two")


@pytest.mark.parametrize("action", ["tcp", "udp", "bulk"])
def test_refused(stream: Stream, action: str):
    sample = only(stream.probe(action, SERVER, port=9))
    assert (sample["outcome"], sample["detail"]["errno"]) == ("refused", "ECONNREFUSED")


def test_udp_refusal_names_the_message(stream: Stream):
    detail = only(stream.probe("udp", SERVER, port=9))["detail"]
    assert (detail["icmp_type"], detail["icmp_code"], detail["icmp_from"]) == (3, 3, SERVER)


@pytest.mark.parametrize("action", ["tcp", "udp", "icmp"])
def test_dropped_is_a_timeout(world: World, stream: Stream, action: str):
    world["router"].run("iptables", "-A", "FORWARD", "-d", SERVER, "-j", "DROP")
    sample = only(stream.probe(action, SERVER, timeout=0.4))
    assert sample["outcome"] == "timeout"
    assert 0.4 <= sample["seconds"] < 0.9


def test_timeout_of_a_connection_counts_its_syns(world: World, stream: Stream):
    world["router"].run("iptables", "-A", "FORWARD", "-d", SERVER, "-j", "DROP")
    assert only(stream.probe("tcp", SERVER, timeout=1.5))["detail"]["syn_retransmits"] == 1


REJECTS = {
    "icmp-host-unreachable": "host-unreachable",
    "icmp-net-unreachable": "net-unreachable",
    "icmp-port-unreachable": "refused",
    "icmp-admin-prohibited": "prohibited",
    "icmp-net-prohibited": "prohibited",
    "icmp-host-prohibited": "prohibited",
}


@pytest.mark.parametrize(("kind", "outcome"), REJECTS.items())
@pytest.mark.parametrize("action", ["tcp", "udp", "icmp"])
def test_rejected(world: World, stream: Stream, action: str, kind: str, outcome: str):
    world["router"].run("iptables", "-A", "FORWARD", "-d", SERVER, "-j", "REJECT", "--reject-with", kind)
    sample = only(stream.probe(action, SERVER))
    assert (sample["outcome"], sample["detail"]["icmp_from"]) == (outcome, "10.1.0.254")


def test_rejected_by_reset_is_refused(world: World, stream: Stream):
    world["router"].run("iptables", "-A", "FORWARD", "-p", "tcp", "-d", SERVER, "-j", "REJECT", "--reject-with", "tcp-reset")
    assert only(stream.probe("tcp", SERVER))["outcome"] == "refused"


@pytest.mark.parametrize(
    ("route", "outcome"),
    [("unreachable", "host-unreachable"), ("prohibit", "prohibited"), ("blackhole", "net-unreachable"), ("throw", "net-unreachable")],
)
@pytest.mark.parametrize("action", ["tcp", "udp", "icmp"])
def test_route_of_the_source(world: World, stream: Stream, action: str, route: str, outcome: str):
    world["client"].ip(f"route add {route} 10.9.0.0/16")
    if route == "throw":
        world["client"].ip("route del default")
    assert only(stream.probe(action, "10.9.0.1"))["outcome"] == outcome


def test_packet_filter_of_the_source_forbids_udp(world: World, stream: Stream):
    world["client"].run("iptables", "-A", "OUTPUT", "-p", "udp", "-d", SERVER, "-j", "DROP")
    assert only(stream.probe("udp", SERVER))["outcome"] == "prohibited"


def test_until_enough_servers_answered(world: World, stream: Stream, agent: Callable[..., Agent]):
    world.join("third", "10.3.0.1/24", "router", "10.3.0.254/24")
    world.route("third", "default", "10.3.0.254")
    agent("third", "pod/c@three")
    assert stream.ask("wait", address="10.3.0.1", port=7801)[0]["reached"]
    for every, target in ((2, SERVER), (1, "10.3.0.1")):
        share = ["-m", "statistic", "--mode", "nth", "--every", str(every), "--packet", "0"] if every > 1 else []
        rule = ["-d", "10.96.0.10", "-p", "tcp", *share, "-j", "DNAT", "--to-destination", f"{target}:7801"]
        world["router"].run("iptables", "-t", "nat", "-A", "PREROUTING", *rule)
    samples = stream.probe("tcp", "10.96.0.10", port=80, until=2, max=50)
    assert {sample["reply"]["server"] for sample in samples} == {"pod/b@two", "pod/c@three"}
    assert len(samples) < 50
    assert len(stream.probe("tcp", "10.96.0.10", port=80, until=3, max=20)) == 20


def test_samples_and_warmup_are_told_apart(stream: Stream):
    samples = stream.probe("tcp", SERVER, samples=3, warmup=2)
    assert [sample["warmup"] for sample in samples] == [True, True, False, False, False]
    assert len({sample["nonce"] for sample in samples}) == 5


def test_bad_requests_are_told_and_cost_nothing_else(stream: Stream):
    good = {"action": "tcp", "address": SERVER, "port": 7801, "nonce": "ff", "samples": 1, "warmup": 0}
    bad = [7, {}, {**good, "action": "smoke"}, {**good, "address": "nowhere"}, {**good, "port": 0}, {**good, "nonce": "x y"},
           {**good, "family": "ipv6"}, {**good, "action": "icmp", "size": 10}, {**good, "samples": True}]  # fmt: skip
    *results, done = stream.ask("probe", probes=[*bad, good], parallel=1)
    assert [r["samples"][0]["outcome"] for r in results] == ["probe-error"] * len(bad) + ["reached"]
    errors = [r["samples"][0]["detail"]["error"] for r in results[:-1]]
    assert errors[2:5] == [
        "action 'smoke' is none of tcp, udp, icmp, bulk, tls, trace, resolve, query, lookups",
        "address 'nowhere' is no IP address",
        "port 0 is not a whole number from 1 to 65535",
    ]
    assert errors[6] == "address 10.2.0.1 is not of family ipv6"
    assert done["count"] == len(bad) + 1
